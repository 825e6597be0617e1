"""Images from a folder, a video file or an RTSP camera, as a camera would deliver them."""

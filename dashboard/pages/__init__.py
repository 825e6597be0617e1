"""Operator pages (NiceGUI), served from the API's process without a CDN."""

# Three images: edge (connectors), worker (inspect, describe, store, build), api (pages, API, jobs).
#
#   docker build --target worker --tag lineside/worker:0.1.0 --build-arg REVISION=$(git rev-parse HEAD) .
#
# All that is installed is pinned and hashed in requirements-STAGE.txt, and installed by image/install, which a test runs
# in a plain folder. Pin the base by digest (--build-arg PYTHON=python@sha256:…) for images that are the same bit by bit.
ARG PYTHON=python:3.12-slim-bookworm

# Tools that build; none of them reaches an image.
FROM ${PYTHON} AS tools
WORKDIR /source
ENV UV_COMPILE_BYTECODE=1
COPY requirements-image.txt ./
RUN python -m venv /opt/tools && /opt/tools/bin/pip install --no-cache-dir --require-hashes -r requirements-image.txt
COPY . .

FROM tools AS edge-environment
RUN image/install edge /opt/lineside /opt/tools

FROM tools AS worker-environment
RUN image/install worker /opt/lineside /opt/tools

FROM tools AS api-environment
RUN image/install api /opt/lineside /opt/tools

# What every image has: a user without rights, and nothing that is written to but /tmp.
FROM ${PYTHON} AS base
ARG REVISION=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Lineside" \
      org.opencontainers.image.description="Streaming factory inspection" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 10001 lineside && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin lineside \
 && pip uninstall --yes --quiet pip
ENV PATH=/opt/lineside/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp
# Every process of the product serves its health here, if it is told this port.
HEALTHCHECK --start-period=600s --interval=10s --timeout=5s --retries=6 \
    CMD ["python", "-m", "wire.probe", "127.0.0.1:9100/livez"]

FROM base AS edge
# Aravis, for GigE Vision and USB3 Vision cameras.
RUN apt-get update && apt-get install --yes --no-install-recommends libaravis-0.8-0 && rm -rf /var/lib/apt/lists/*
COPY --from=edge-environment /opt/lineside /opt/lineside
USER 10001:10001
CMD ["python", "-m", "connectors", "--help"]

FROM base AS api
COPY --from=api-environment /opt/lineside /opt/lineside
USER 10001:10001
CMD ["lineside", "--help"]

FROM base AS worker
# open3d, for point clouds. CUDA comes with torch; the node brings its driver.
RUN apt-get update && apt-get install --yes --no-install-recommends libgl1 libgomp1 libusb-1.0-0 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=worker-environment /opt/lineside /opt/lineside
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
CMD ["lineside", "worker", "--help"]

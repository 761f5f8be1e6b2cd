# The image of the program: `make image`. BASE needs glibc, libstdc++6, CA certificates, and Python 3.11 with venv; in
# production it is a digest. Kubernetes and systemd have probes of their own: there is no HEALTHCHECK.
# checkov:skip=CKV_DOCKER_2:the image starts several kinds of processes; each has its own probe in the chart
# checkov:skip=CKV_DOCKER_7:the version of the base is in the argument BASE
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
# Wheels of the lock file, each checked by its hash. They come from pip's usual index, or, with PIP_NO_INDEX=1, from the
# folder PIP_FIND_LINKS alone.
ARG PIP_NO_INDEX=
ARG PIP_FIND_LINKS=
WORKDIR /build
COPY requirements-fleet.lock ./
RUN python3 -m venv /opt/sync-platform \
 && /opt/sync-platform/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-compile \
      --only-binary :all: --require-hashes -r requirements-fleet.lock
COPY pyproject.toml README.md ./
COPY sync_platform ./sync_platform
RUN /opt/sync-platform/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps \
      --no-build-isolation --no-compile . \
 && /opt/sync-platform/bin/python -m pip uninstall --yes --quiet pip \
 && { /opt/sync-platform/bin/python -m compileall -q -j 0 /opt/sync-platform || true; } \
 && /opt/sync-platform/bin/python -c "from sync_platform.storage.extensions import check_extensions; \
      check_extensions(['ducklake', 'httpfs', 'postgres_scanner', 'sqlite_scanner'])"

FROM ${BASE}
ARG VERSION=1.0.0
LABEL org.opencontainers.image.title="sync-platform" org.opencontainers.image.version="${VERSION}"
RUN echo 'sync:x:10001:10001::/var/lib/sync-platform:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'sync:x:10001:' >> /etc/group \
 && mkdir -p /var/lib/sync-platform /var/lib/dagster \
 && chown 10001:10001 /var/lib/sync-platform /var/lib/dagster
COPY --from=build /opt/sync-platform /opt/sync-platform
ENV PATH=/opt/sync-platform/bin:/usr/local/bin:/usr/bin:/bin \
    SYNC_HOME=/var/lib/sync-platform \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/sync-platform
USER 10001:10001
CMD ["sync-platform", "--help"]

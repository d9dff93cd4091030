# The web server and the worker of a hospital server; compose.yaml runs both from this one image.
# Pin the three FROM lines by digest when you mirror them into your own registry.

FROM node:24-bookworm-slim AS bundle
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY vite.config.ts ./
COPY static/src static/src
RUN npx --no-install vite build

FROM python:3.11-slim-bookworm AS packages
COPY requirements.txt requirements-vision.txt ./
RUN python -m venv /venv && \
    /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt -r requirements-vision.txt

FROM python:3.11-slim-bookworm
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=annotator.settings.prod \
    OVERREAD_DATA=/data \
    OVERREAD_STATIC=/srv/static \
    WEB_CONCURRENCY=2
RUN useradd --system --uid 10001 --home-dir /data overread && install -d -m 700 -o overread /data
WORKDIR /app
COPY --from=packages /venv /venv
COPY manage.py LICENSE ./
COPY scripts/healthcheck.py scripts/healthcheck.py
COPY templates templates
COPY static/assets static/assets
COPY --from=bundle /src/static/dist static/dist
COPY annotator annotator
COPY labeling labeling
COPY vision vision
# The settings refuse to start without secrets; these exist for one command and are in no layer.
RUN export OVERREAD_SECRET_KEY=$(od -An -N48 -tx1 /dev/urandom | tr -d ' \n') && \
    OVERREAD_PATIENT_KEY_SECRET=$OVERREAD_SECRET_KEY OVERREAD_HOSTS=localhost DATABASE_URL=sqlite:////data/unused \
    OVERREAD_BROKER_URL=redis://unused python manage.py collectstatic --noinput && \
    chmod -R a+rX /srv/static && chown -R overread /data
USER overread
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["python", "scripts/healthcheck.py"]
# Threads, because a page waits for the database and a volume for the network; WEB_CONCURRENCY sets the processes.
# The access log leaves out what stands after the question mark: people search for reports by their ids.
CMD ["gunicorn", "annotator.wsgi:application", "--bind=0.0.0.0:8000", "--worker-class=gthread", "--threads=8", \
     "--worker-tmp-dir=/dev/shm", "--keep-alive=60", "--no-control-socket", \
     "--logger-class=annotator.logs.ServerLogger", "--access-logfile=-", \
     "--access-logformat=%(h)s %(t)s %(m)s %(U)s %(H)s %(s)s %(b)s %(M)sms"]

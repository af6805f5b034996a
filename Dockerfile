# The environment of the compendium, the one definition for Docker, Binder and dev containers.
# Binder reads .binder/Dockerfile, which is a copy, since not every builder follows symbolic
# links; dev containers use the first stage.
#
#   docker build --tag compendium .
#   docker run --rm --publish 8888:8888 compendium
#   docker run --rm compendium make test
FROM python:3.11-slim-bookworm AS system

RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ffmpeg git libasound2-plugins libportaudio2 make \
    && rm -rf /var/lib/apt/lists/*

# Where pip finds PyTorch without CUDA, which is much smaller; empty for the usual PyTorch.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_EXTRA_INDEX_URL=${TORCH_INDEX} PIP_NO_CACHE_DIR=1

# Binder names the user and its number, and expects the project in its home folder.
ARG NB_USER=jovyan
ARG NB_UID=1000
ENV USER=${NB_USER} HOME=/home/${NB_USER}
RUN useradd --create-home --uid ${NB_UID} --shell /bin/bash ${NB_USER}
WORKDIR ${HOME}
USER ${NB_USER}

FROM system AS project

COPY --chown=${USER} . ${HOME}
RUN make setup
ENV PATH=${HOME}/.venv/bin:${PATH}

RUN mkdir -p .ipython/profile_default \
    && cp .binder/ipython_kernel_config.py .ipython/profile_default/

CMD ["jupyter", "lab", "--ip=0.0.0.0"]

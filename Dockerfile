# The board, and with another command a worker:
#   docker build -t sts-eval .
#   docker run -p 7860:7860 -v $PWD/store:/store sts-eval
#   docker run -v $PWD/store:/store -v $PWD/runs:/runs sts-eval store worker --store /store --folder /runs
# For a worker on GPUs leave out the index of torch for processors: --build-arg TORCH_INDEX=https://pypi.org/simple
FROM python:3.12-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /src
COPY . .
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" --constraint constraints.txt '.[board,s3]' && rm -rf /src/*
RUN useradd --create-home sts
USER sts
WORKDIR /home/sts
ENV GRADIO_SERVER_NAME=0.0.0.0 HF_HOME=/home/sts/.cache/huggingface
EXPOSE 7860
ENTRYPOINT ["sts-eval"]
CMD ["board", "--store", "/store", "--port", "7860"]

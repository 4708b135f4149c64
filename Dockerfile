# scripts/pin-images.sh writes the digest of this image into .env, from where Compose hands it over; a local image works as well.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY slack-manifest.yaml ./
COPY src ./src
COPY sandbox ./sandbox
RUN npm run build && npm prune --omit=dev && rm -r dist/sandbox

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
# ssh-keygen, which verifies the signatures of releases.
RUN apt-get update && apt-get install -y --no-install-recommends openssh-client && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# Neither the sandbox nor what it and the build need: compilers, page libraries.
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# The state directory is a volume; everything else can be read-only.
RUN install -d -o node -g node -m 700 /var/lib/zeitwork
USER node
ENTRYPOINT ["node", "/app/dist/src/main.js"]

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY slack-manifest.yaml ./
COPY src ./src
COPY sandbox ./sandbox
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production
# ssh-keygen, which verifies the signatures of releases.
RUN apt-get update && apt-get install -y --no-install-recommends openssh-client && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# The state directory is a volume; everything else can be read-only.
RUN install -d -o node -g node -m 700 /var/lib/zeitwork
USER node
ENTRYPOINT ["node", "/app/dist/src/main.js"]

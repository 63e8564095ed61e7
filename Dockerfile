# Windrow as an image: only the command line. It needs no shell, contains no package manager, and writes only below /tmp.
# `npm run test:cluster -- --node` builds it unchanged with buildah. Not yet built with Docker.
#
#   docker build --tag windrow:0.1.0 .
#   docker run --rm --read-only --tmpfs /tmp windrow:0.1.0 --help

FROM node:22.20.0-bookworm-slim AS build
WORKDIR /windrow
# Install before copying the sources, so that a source change does not reinstall. No package needs its install scripts.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY scripts/build-page.mjs ./scripts/
RUN npm run build && rm -f dist/.tsbuildinfo && find dist -name '*.map' -delete \
  && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

# Only the node binary, without npm, on the distribution that it was built for.
FROM debian:12.12-slim
COPY --from=build /usr/local/bin/node /usr/local/bin/node
WORKDIR /windrow
COPY --from=build /windrow/package.json ./
COPY --from=build /windrow/node_modules ./node_modules
COPY --from=build /windrow/dist ./dist
COPY schemas ./schemas
COPY presets ./presets
# A numeric id, so that Kubernetes can check that it is not root. The user owns no files here.
USER 10001:10001
ENV NODE_ENV=production WINDROW_DATA_DIR=/tmp/windrow
# Exec form, without a shell: SIGTERM reaches Windrow, which then drains.
ENTRYPOINT ["node", "/windrow/dist/cli/main.js"]
CMD ["--help"]

# Windrow as an image: the command line and nothing else; no shell is needed, no package manager is there, nothing is written
# outside /tmp. Not yet built where there is Docker: its steps were run by hand without it.
#
#   docker build --tag windrow:0.1.0 .
#   docker run --rm --read-only --tmpfs /tmp windrow:0.1.0 --help

FROM node:22.20.0-bookworm-slim AS build
WORKDIR /windrow
# Installed before the sources are there, so that a changed source does not install again. No package needs its scripts.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && rm -f dist/.tsbuildinfo && find dist -name '*.map' -delete \
  && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

# Node's program alone, without npm, on the distribution that it was built for.
FROM debian:12.12-slim
COPY --from=build /usr/local/bin/node /usr/local/bin/node
WORKDIR /windrow
COPY --from=build /windrow/package.json ./
COPY --from=build /windrow/node_modules ./node_modules
COPY --from=build /windrow/dist ./dist
COPY schemas ./schemas
# A number, so that Kubernetes can see that it is not root. Owns nothing here.
USER 10001:10001
ENV NODE_ENV=production WINDROW_DATA_DIR=/tmp/windrow
# No shell in between: SIGTERM reaches Windrow, which drains.
ENTRYPOINT ["node", "/windrow/dist/cli/main.js"]
CMD ["--help"]

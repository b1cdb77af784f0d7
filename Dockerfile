# One image for each service (`docker build --build-arg SERVICE=order .`), one for what runs once (`--target tools`), and the database's.

FROM node:24-slim AS source
WORKDIR /app
COPY . .
# Who runs it does not own it, and the checkout may be nobody else's to read.
RUN chmod -R a+rX .

# Packages go by the manifests alone: a change of the source leaves the layers with the packages as they are.
FROM source AS manifests
RUN find . -type f ! -name package.json ! -name 'pnpm-*.yaml' -delete && find . -type d -empty -delete

FROM node:24-slim AS pnpm
RUN npm install --global --silent pnpm@12.21.0
WORKDIR /app
COPY --from=manifests /app .
# Node strips no types under node_modules, so there is no `pnpm deploy`: the workspace stays as it is, with links.
ENV INSTALL="pnpm install --prod --no-optional --frozen-lockfile --ignore-scripts --store-dir /store"

FROM pnpm AS service-packages
ARG SERVICE
RUN --mount=type=cache,target=/store $INSTALL --filter-prod "{./services/$SERVICE}..."

FROM pnpm AS tools-packages
RUN --mount=type=cache,target=/store $INSTALL --filter-prod "holdfast..."

FROM node:24-slim AS base
ENV NODE_ENV=production
# An empty volume takes over the owner of the folder that it covers.
RUN install -d -o node -g node /var/lib/holdfast
USER 1000:1000

FROM base AS tools
USER root
RUN install -d -o node -g node /run/secrets/payment /run/secrets/product /run/secrets/order
USER 1000:1000
WORKDIR /app
COPY --from=tools-packages /app .
COPY --from=source /app/packages packages
COPY --from=source /app/services/payment-provider services/payment-provider
COPY --from=source /app/scripts scripts
COPY --from=source /app/data/online-retail /data

FROM postgres:17 AS database
COPY --from=source /app/scripts/provision/start-database.sh /
USER postgres
# The image's own takes a folder that it was killed over for a whole one.
ENTRYPOINT ["/start-database.sh"]

FROM base AS service
ARG SERVICE
WORKDIR /app
COPY --from=service-packages /app .
COPY --from=source /app/packages packages
COPY --from=source /app/services/$SERVICE services/$SERVICE
WORKDIR /app/services/$SERVICE
CMD ["node", "src/main.ts"]

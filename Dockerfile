# Two stages: the second holds nothing but the program, the system's
# certificates and an empty directory for its data.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /pullwarden ./cmd/pullwarden && mkdir -p /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /pullwarden /pullwarden
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
WORKDIR /data
ENV PULLWARDEN_ADDRESS=0.0.0.0:8080 \
    PULLWARDEN_DATABASE_URL=sqlite:/data/pullwarden.db \
    PULLWARDEN_ADVISORIES_DIR=/data/advisories
EXPOSE 8080
VOLUME /data
ENTRYPOINT ["/pullwarden"]
CMD ["serve"]

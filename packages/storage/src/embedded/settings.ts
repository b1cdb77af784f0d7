/** The server's settings: small enough for a laptop that runs the whole system, safe enough for a real order. */
export function serverSettings(port: number): Readonly<Record<string, string>> {
  return {
    listen_addresses: "127.0.0.1",
    port: String(port),
    // Paths of unix sockets may have at most 107 characters, a checkout's path has more easily.
    unix_socket_directories: "",
    // Three services of up to five instances, each with a pool of its own.
    max_connections: "300",
    shared_buffers: "64MB",
    work_mem: "4MB",
    maintenance_work_mem: "32MB",
    max_wal_size: "512MB",
    // One query, one process: a service has many small ones.
    max_parallel_workers_per_gather: "0",
    max_worker_processes: "2",
    autovacuum_max_workers: "2",
    // Without the three I/O workers of the default. Source: PostgreSQL 18 manual, "io_method".
    io_method: "sync",
    jit: "off",
    // Nobody replicates a laptop.
    wal_level: "minimal",
    max_wal_senders: "0",
    // Durable, also in tests: these are the defaults, stated because nothing here may be traded for speed.
    fsync: "on",
    synchronous_commit: "on",
    full_page_writes: "on",
    // A connection whose process was killed loses its running statement within this time.
    client_connection_check_interval: "100ms",
    log_checkpoints: "off",
    log_timezone: "UTC",
    timezone: "UTC",
  };
}

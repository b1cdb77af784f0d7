-- Calls with an idempotency key: who works on them, and what came of it. A service copies this file among its migrations.
create table idempotent_call (
  principal text collate "C" not null,
  method text collate "C" not null,
  key text collate "C" not null,
  -- SHA-256 of the request.
  fingerprint bytea not null,
  -- Names the attempt that holds the claim; nobody else may finish it.
  token text not null,
  lease_until timestamptz not null,
  -- Set in the transaction of the work: from then on nobody may do it again.
  confirmed boolean not null default false,
  -- The answer; null while there is none.
  code smallint,
  details text,
  trailers text,
  response bytea,
  create_time timestamptz not null default clock_timestamp(),
  expire_time timestamptz not null,
  constraint idempotent_call_pkey primary key (principal, method, key),
  constraint idempotent_call_answer check ((code is null) = (details is null) and (code is null) = (trailers is null))
);

create index idempotent_call_expire_time on idempotent_call (expire_time);

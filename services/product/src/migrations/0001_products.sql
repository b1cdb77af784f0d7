-- The catalogue and its stock. Every unit that ever came in is in one of three places, and the table says so itself.
create table product (
  -- Compared by bytes, so that a page ends at the same product on every machine.
  id text collate "C" primary key check (id ~ '^prod_[0-9a-z]{1,40}$'),
  sku text collate "C" not null constraint product_sku_key unique,
  name text not null check (name <> ''),
  description text not null,
  currency_code text not null check (currency_code ~ '^[A-Z]{3}$'),
  price_minor_units bigint not null check (price_minor_units > 0),
  -- Units that came in, less those an import took out of the available stock again.
  received bigint not null,
  -- Available: on hand and reserved for nobody.
  stock bigint not null constraint product_stock_not_negative check (stock >= 0),
  reserved bigint not null default 0 constraint product_reserved_not_negative check (reserved >= 0),
  sold bigint not null default 0 constraint product_sold_not_negative check (sold >= 0),
  -- Grows with every change of stock.
  stock_version bigint not null default 1,
  -- An index on stock itself would be rewritten with every order; this value hardly ever changes.
  in_stock boolean not null generated always as (stock > 0) stored,
  -- Whole milliseconds, as an answer that was stored and one that is read again have to be equal.
  create_time timestamptz not null default date_trunc('milliseconds', now()),
  update_time timestamptz not null default date_trunc('milliseconds', now()),
  constraint product_stock_adds_up check (received = stock + reserved + sold)
-- Room in each page, so that a change of stock stays in its page and touches no index.
) with (fillfactor = 85);

create index product_in_stock on product (id) where in_stock;

-- What is kept for orders, one row an order for good: a repeat finds it, and so does a call that comes too late.
create table reservation (
  order_id text collate "C" primary key check (order_id ~ '^ord_[0-9a-z]{1,40}$'),
  state text not null check (state in ('RESERVED', 'COMMITTED', 'RELEASED')),
  create_time timestamptz not null default now(),
  update_time timestamptz not null default now()
);

create table reservation_item (
  order_id text collate "C" not null references reservation,
  product_id text collate "C" not null references product,
  quantity bigint not null check (quantity > 0),
  primary key (order_id, product_id)
);

-- Answers of calls with an idempotency key, written in the transaction that did the work.
create table idempotency_key (
  method text not null,
  key text collate "C" not null,
  -- SHA-256 of the request without its key.
  request_hash bytea not null,
  -- The serialized response message.
  response bytea not null,
  create_time timestamptz not null default now(),
  primary key (method, key)
);

create index idempotency_key_create_time on idempotency_key (create_time);

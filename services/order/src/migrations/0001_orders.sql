-- Orders, what was ordered, and how far each one has come. The rules of domain/order.ts stand here once more: code may be
-- wrong, and then the database refuses.
create table orders (
  -- Compared by bytes, so that a page ends at the same order on every machine.
  id text collate "C" primary key check (id ~ '^ord_[0-9a-z]{1,40}$'),
  customer_id text collate "C" not null check (customer_id ~ '^[A-Za-z0-9._@:-]{1,64}$'),
  state text not null default 'PENDING'
    constraint orders_state check (state in ('PENDING', 'STOCK_RESERVED', 'PAID', 'CONFIRMED', 'CANCELLED')),
  cancel_reason text constraint orders_cancel_reason
    check (cancel_reason in ('OUT_OF_STOCK', 'PAYMENT_DECLINED', 'CUSTOMER_REQUEST', 'EXPIRED')),
  currency_code text not null check (currency_code ~ '^[A-Z]{3}$'),
  total_minor_units bigint not null constraint orders_total check (total_minor_units between 1 and 10000000000000),
  payment_method text not null check (payment_method ~ '^pm_[0-9a-z_]{1,60}$'),
  transaction_id text collate "C",
  line_count integer not null check (line_count between 1 and 1000),
  -- Grows by 1 with every change of state; the sequence of the event that tells of it.
  version integer not null default 1,
  -- Whole milliseconds, as an answer that was stored and one that is read again have to be equal.
  create_time timestamptz not null default date_trunc('milliseconds', now()),
  update_time timestamptz not null default date_trunc('milliseconds', now()),

  -- The saga's own: what to do next, and what may have been sent.
  step text not null default 'reserve_stock' constraint orders_step check (
    step in ('reserve_stock', 'charge', 'ask_charge', 'commit_stock', 'refund', 'release_stock', 'none')
  ),
  charge_started_at timestamptz,
  commit_started_at timestamptz,
  attempts integer not null default 0 check (attempts >= 0),
  -- Null: never again.
  next_run_at timestamptz default now(),
  -- Until then the worker with this fence has the order for itself; a write with another fence finds no row.
  lease_until timestamptz,
  fence bigint not null default 0,

  constraint orders_paid_has_transaction check (state not in ('PAID', 'CONFIRMED') or transaction_id is not null),
  constraint orders_transaction_has_charge check (transaction_id is null or charge_started_at is not null),
  constraint orders_cancelled_has_reason check (state <> 'CANCELLED' or cancel_reason is not null),
  constraint orders_confirmed_is_committed
    check (state <> 'CONFIRMED' or (commit_started_at is not null and cancel_reason is null)),
  constraint orders_terminal_rests
    check ((state in ('CONFIRMED', 'CANCELLED')) = (step = 'none') and (step = 'none') = (next_run_at is null))
-- Room in each page: most changes of an order stay in it.
) with (fillfactor = 70);

create index orders_of_customer on orders (customer_id, create_time desc, id desc);
create index orders_due on orders (next_run_at) where next_run_at is not null;

create function check_order_change() returns trigger language plpgsql as $$
declare
  legal boolean := case old.state
    when 'PENDING' then new.state in ('PENDING', 'STOCK_RESERVED', 'CANCELLED')
    when 'STOCK_RESERVED' then new.state in ('STOCK_RESERVED', 'PAID', 'CANCELLED')
    when 'PAID' then new.state in ('PAID', 'CONFIRMED', 'CANCELLED')
    else false -- a terminal order never changes
  end;
begin
  if not legal then
    raise check_violation using
      constraint = 'orders_transition', message = format('order %s is %s and cannot become %s', old.id, old.state, new.state);
  end if;
  if new.version <> old.version + (new.state <> old.state)::integer then
    raise check_violation using
      constraint = 'orders_version', message = format('order %s has version %s, not %s', old.id, old.version, new.version);
  end if;
  if old.cancel_reason <> coalesce(new.cancel_reason, '')
    or old.transaction_id <> coalesce(new.transaction_id, '')
    or (old.charge_started_at is not null and new.charge_started_at is null)
    or (old.commit_started_at is not null and new.commit_started_at is null)
    or (old.id, old.customer_id, old.currency_code, old.total_minor_units, old.payment_method, old.create_time)
      <> (new.id, new.customer_id, new.currency_code, new.total_minor_units, new.payment_method, new.create_time)
  then
    raise check_violation using
      constraint = 'orders_remembers', message = format('order %s would forget what was decided', old.id);
  end if;
  return new;
end $$;

create trigger orders_change before update on orders for each row execute function check_order_change();

create function check_order_start() returns trigger language plpgsql as $$
begin
  if new.state <> 'PENDING' or new.version <> 1 then
    raise check_violation using
      constraint = 'orders_start', message = format('order %s must start as PENDING, version 1', new.id);
  end if;
  return new;
end $$;

create trigger orders_start before insert on orders for each row execute function check_order_start();

create table order_lines (
  order_id text collate "C" not null references orders,
  -- 1, 2, 3 … in the order of the request.
  line_number integer not null check (line_number between 1 and 1000),
  product_id text collate "C" not null,
  name text not null,
  quantity integer not null check (quantity > 0),
  -- Of one unit, in the order's currency.
  unit_price_minor_units bigint not null check (unit_price_minor_units > 0),
  primary key (order_id, line_number)
);

-- How many events each customer's orders have had. Its row lock makes the order of the numbers that of the commits.
create table customer_counters (
  customer_id text collate "C" primary key,
  last_sequence bigint not null
);

-- The log that streams replay and follow. Nothing in it ever changes.
create table order_events (
  order_id text collate "C" not null references orders,
  sequence integer not null check (sequence > 0),
  state text not null,
  reason text,
  customer_id text collate "C" not null,
  customer_sequence bigint not null check (customer_sequence > 0),
  time timestamptz not null default date_trunc('milliseconds', now()),
  primary key (order_id, sequence),
  constraint order_events_reason check ((state = 'CANCELLED') = (reason is not null)),
  constraint order_events_customer_sequence unique (customer_id, customer_sequence)
);

-- What has to reach the broker; written in the transaction of the change that it tells of.
create table outbox (
  id bigint generated always as identity primary key,
  -- The id of the CloudEvent: a consumer that has seen it skips it.
  event_id uuid not null default gen_random_uuid() unique,
  order_id text collate "C" not null,
  sequence integer not null,
  routing_key text not null check (routing_key ~ '^order\.[a-z_]+$'),
  -- protobuf JSON of ecommerce.order.v1.OrderEvent.
  payload jsonb not null,
  created_at timestamptz not null default now(),
  -- Null: not confirmed by the broker yet.
  sent_at timestamptz,
  constraint outbox_order_sequence unique (order_id, sequence),
  foreign key (order_id, sequence) references order_events
);

create index outbox_unsent on outbox (id) where sent_at is null;

-- Answers of calls with an idempotency key, written in the transaction that did the work.
create table idempotency_keys (
  customer_id text collate "C" not null,
  method text not null,
  key text collate "C" not null,
  -- SHA-256 of the request.
  request_hash bytea not null,
  -- The serialized response message.
  response bytea not null,
  created_at timestamptz not null default now(),
  constraint idempotency_keys_pkey primary key (customer_id, method, key)
);

create index idempotency_keys_created_at on idempotency_keys (created_at);

-- Charges, refunds and the ledger of both. The constraints here are the safety: the code only knows them by heart.

create table transactions (
  id text primary key check (id ~ '^txn_[0-9a-z]{1,40}$'),
  customer_id text not null,
  order_id text not null,
  idempotency_key text not null,
  request_hash text not null,
  amount bigint not null check (amount > 0),
  currency_code text not null check (currency_code ~ '^[A-Z]{3}$'),
  payment_method text not null,
  state text not null check (state in ('PENDING', 'COMPLETED', 'FAILED', 'REFUNDED')),
  decline_code text,
  provider_capture_id text unique,
  -- given back and confirmed; being given back
  refunded bigint not null default 0 check (refunded >= 0),
  reserved bigint not null default 0 check (reserved >= 0),
  -- 1, 2, 3 …: one more with every change that a caller can see
  version integer not null default 1,
  create_time timestamptz not null default now(),

  -- Who works on the outcome, and when somebody is to look again. All by this database's clock.
  lease_until timestamptz,
  fence bigint not null default 1,
  attempts integer not null default 1,
  next_run_at timestamptz,
  -- when a request to the provider last may have gone out
  sent_at timestamptz not null default now(),

  constraint transactions_idempotency_key unique (idempotency_key, customer_id),
  constraint transactions_refund_within_charge check (refunded + reserved <= amount),
  constraint transactions_failed_has_code check ((state = 'FAILED') = (decline_code is not null)),
  constraint transactions_captured_has_id
    check ((state in ('COMPLETED', 'REFUNDED')) = (provider_capture_id is not null)),
  constraint transactions_refunded_is_all check ((state = 'REFUNDED') = (refunded = amount)),
  constraint transactions_pending_is_due check ((state = 'PENDING') = (next_run_at is not null)),
  constraint transactions_lease_only_pending check (lease_until is null or state = 'PENDING')
);

-- An order is paid for once, whatever keys its callers use. A failed charge may be tried again under another key.
create unique index transactions_one_per_order on transactions (order_id) where state <> 'FAILED';
create index transactions_due on transactions (next_run_at) where state = 'PENDING';

create table refunds (
  id text primary key check (id ~ '^rfd_[0-9a-z]{1,40}$'),
  transaction_id text not null references transactions,
  -- What it gives back: the charge's own capture, or one that nobody asked for.
  provider_capture_id text not null,
  surplus boolean not null,
  idempotency_key text not null,
  request_hash text not null,
  amount bigint not null check (amount > 0),
  reason text not null,
  state text not null check (state in ('PENDING', 'COMPLETED', 'FAILED')),
  provider_refund_id text unique,
  create_time timestamptz not null default now(),

  lease_until timestamptz,
  fence bigint not null default 1,
  attempts integer not null default 1,
  next_run_at timestamptz,
  sent_at timestamptz not null default now(),

  constraint refunds_idempotency_key unique (transaction_id, idempotency_key),
  constraint refunds_completed_has_id check ((state = 'COMPLETED') = (provider_refund_id is not null)),
  constraint refunds_pending_is_due check ((state = 'PENDING') = (next_run_at is not null)),
  constraint refunds_lease_only_pending check (lease_until is null or state = 'PENDING')
);

create index refunds_due on refunds (next_run_at) where state = 'PENDING';

create table ledger_entries (
  id bigint generated always as identity primary key,
  transaction_id text not null references transactions,
  refund_id text references refunds,
  -- The provider's capture or refund that these lines are about: each has its lines once.
  provider_effect_id text not null,
  leg smallint not null check (leg in (1, 2)),
  account text not null check (account in ('customer', 'clearing', 'merchant')),
  amount bigint not null check (amount <> 0),
  currency_code text not null check (currency_code ~ '^[A-Z]{3}$'),
  create_time timestamptz not null default now(),

  constraint ledger_entries_once unique (provider_effect_id, account, leg)
);

create index ledger_entries_of_transaction on ledger_entries (transaction_id);

-- Terminal states never change, and what was asked for never does.
create function check_transaction_change() returns trigger language plpgsql as $$
begin
  if new.state <> old.state and (old.state, new.state) not in (
    ('PENDING', 'COMPLETED'), ('PENDING', 'FAILED'), ('COMPLETED', 'REFUNDED')
  ) then
    raise exception 'transaction % cannot go from % to %', old.id, old.state, new.state
      using errcode = 'check_violation', constraint = 'transactions_state_moves';
  end if;
  if (new.id, new.customer_id, new.order_id, new.idempotency_key, new.request_hash, new.amount, new.currency_code,
      new.payment_method, new.create_time)
    is distinct from
     (old.id, old.customer_id, old.order_id, old.idempotency_key, old.request_hash, old.amount, old.currency_code,
      old.payment_method, old.create_time)
    or new.refunded < old.refunded
    or (old.provider_capture_id is not null and new.provider_capture_id is distinct from old.provider_capture_id)
  then
    raise exception 'transaction % cannot change what it was asked for', old.id
      using errcode = 'check_violation', constraint = 'transactions_fixed';
  end if;
  if new.version <> old.version + ((new.state, new.refunded) is distinct from (old.state, old.refunded))::integer then
    raise exception 'transaction % cannot go from version % to %', old.id, old.version, new.version
      using errcode = 'check_violation', constraint = 'transactions_version';
  end if;
  return new;
end $$;

create trigger transactions_change before update on transactions
  for each row execute function check_transaction_change();

create function check_refund_change() returns trigger language plpgsql as $$
begin
  if old.state <> 'PENDING' and new is distinct from old then
    raise exception 'refund % is settled', old.id
      using errcode = 'check_violation', constraint = 'refunds_state_moves';
  end if;
  return new;
end $$;

create trigger refunds_change before update on refunds
  for each row execute function check_refund_change();

-- The ledger only grows.
create function refuse_ledger_change() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is append-only'
    using errcode = 'check_violation', constraint = 'ledger_entries_append_only';
end $$;

create trigger ledger_entries_append_only before update or delete or truncate on ledger_entries
  for each statement execute function refuse_ledger_change();

-- Every effect adds up to 0 in one currency, at the latest at commit.
create function check_ledger_balance() returns trigger language plpgsql as $$
declare
  balanced boolean;
begin
  select sum(amount) = 0 and count(distinct currency_code) = 1 into balanced
    from ledger_entries where provider_effect_id = new.provider_effect_id;
  if not balanced then
    raise exception 'the ledger lines of % do not add up to 0 in one currency', new.provider_effect_id
      using errcode = 'check_violation', constraint = 'ledger_entries_balanced';
  end if;
  return null;
end $$;

create constraint trigger ledger_entries_balanced after insert on ledger_entries
  deferrable initially deferred for each row execute function check_ledger_balance();

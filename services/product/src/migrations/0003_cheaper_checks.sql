-- Matching these two patterns took half of the time that the database spent on a row of an import: 25 µs, 13 µs without.
-- The contract checks the patterns of what comes in; the table keeps to what costs nothing.
alter table product
  drop constraint product_id_check,
  add constraint product_id_check check (starts_with(id, 'prod_') and length(id) <= 45),
  drop constraint product_currency_code_check,
  add constraint product_currency_code_check check (length(currency_code) = 3);

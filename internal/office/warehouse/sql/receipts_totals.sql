-- Adds up a list of receipts as it stands in its files.
-- Inputs: parsed. Grain: one row. Output: lines, lines without customer, return lines, lines with a negative quantity, receipts, return
-- receipts, receipts with several times and with several days, customers, amount, currencies, first and last day.
with readable as (
    select * from temp.main.parsed where problem is null
), receipts as (
    select bool_or(is_return) as is_return, min(sold_at) <> max(sold_at) as times, min(day) <> max(day) as days
    from readable
    group by store, till, receipt_key
)
select
    count(*),
    count(*) filter (customer is null),
    count(*) filter (is_return),
    count(*) filter (quantity < 0),
    (select count(*) from receipts),
    (select count(*) from receipts where is_return),
    (select count(*) from receipts where times),
    (select count(*) from receipts where days),
    count(distinct customer),
    coalesce(sum(amount), 0)::varchar,
    coalesce(string_agg(distinct currency, ' ' order by currency), ''),
    coalesce(min(day)::varchar, ''),
    coalesce(max(day)::varchar, '')
from readable

-- Reads all who came with a segment.
-- Inputs: customers, accounts. Grain: one row per account, in the order of account_id. Output: the columns of the export.
select
    customers.account_id, accounts.external_id, null::bigint, null::bigint, null::bigint, r::bigint, f::bigint, m::bigint, segment,
    null::date, null::date, null::varchar, null::date, null::varchar, null::date,
    null::bigint, null::bigint, null::bigint, null::bigint, null::bigint,
    null::varchar, null::varchar, null::bigint, null::bigint, null::bigint,
    null::varchar, null::varchar, null::varchar, null::varchar, null::varchar, null::varchar
from main.customers
left join main.accounts using (account_id)
where segment is not null and not coalesce(objected, false) and not coalesce(minor, false)
order by customers.account_id

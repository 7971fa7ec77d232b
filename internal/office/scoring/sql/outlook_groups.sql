-- Counts the product groups customers buy from.
-- Inputs: purchases, goods; $first, of the window; $patterns of the sensitive groups, as for sensitive.sql. Grain: one row per account. Output:
-- breadth.
create temp table breadth as
with groups as (
    select distinct group_code from main.goods where group_code is not null
), shown as (
    select group_code from groups
    where not exists (
        select 1 from (select unnest(string_split($patterns, chr(31))) as pattern) where $patterns <> '' and group_code like pattern escape '!'
    )
)
select account_id, count(distinct group_code) as groups
from temp.main.purchases
join main.goods using (receipt_id)
where account_id is not null and business_date >= date '1970-01-01' + $first::integer and merchandise and not goods.returned
    and group_code in (select group_code from shown)
group by account_id

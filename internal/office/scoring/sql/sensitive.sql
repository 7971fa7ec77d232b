-- Adds up what receipts hold of sensitive product groups.
-- Inputs: goods; $patterns, of the groups, as SQL's LIKE takes them with ! before what is meant as it stands, with chr(31) between, empty for
-- none. Grain: one row per receipt with such a line. Output: sensitive (receipt_id; bought, sold, returned as in receipts).
create temp table sensitive as
with codes as (
    select distinct coalesce(nullif(group_code, ''), sku) as code from main.goods where $patterns <> ''
), named as (
    select code from codes
    where exists (select 1 from (select unnest(string_split($patterns, chr(31))) as pattern) where code like pattern escape '!')
)
select
    receipt_id,
    (count(*) filter (not returned))::integer as bought,
    coalesce(sum(amount) filter (not returned), 0) as sold,
    coalesce(sum(amount) filter (returned), 0) as returned
from main.goods
where merchandise and coalesce(nullif(group_code, ''), sku) in (select code from named)
group by receipt_id

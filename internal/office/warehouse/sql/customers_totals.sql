-- Adds up a list of customers as it stands in its files.
-- Inputs: parsed. Grain: one row. Output: customers, identifiers besides what names the customer, sum of opening points.
select
    count(*),
    coalesce(sum(len(list_filter(cards, lambda card: card is not null))), 0)::bigint,
    coalesce(sum(points), 0)::bigint
from temp.main.parsed
where problem is null and skip is null

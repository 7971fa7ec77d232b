-- Counts who would move.
-- Inputs: standing_now, placed, accounts; $top, how many are named per move. Grain: one row per segment pair. Output: the segment now and under
-- the draft (empty for none), accounts, and the customer numbers of those who spend most.
with pairs as (
    select
        now.segment as before, coalesce(draft.counts, '') as after, draft.monetary_minor,
        coalesce(accounts.external_id, '') as customer, draft.account_id
    from temp.main.standing_now as now
    join temp.main.placed as draft on draft.account_id = now.account_id
    left join main.accounts on accounts.account_id = draft.account_id
), numbered as (
    select *, row_number() over (partition by before, after order by monetary_minor desc, account_id) as place
    from pairs
)
select before, after, count(*), list(customer order by place) filter (place <= $top and customer <> '' and before <> after)
from numbered
group by before, after
order by count(*) desc, before, after

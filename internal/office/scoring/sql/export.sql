-- Reads all who were scored.
-- Inputs: scores, accounts. Grain: one row per account, in the order of account_id. Output: the columns of the export.
select
    scores.account_id, accounts.external_id, recency_days::bigint, frequency, monetary_minor, r::bigint, f::bigint, m::bigint, segment,
    first_receipt, last_receipt, previous_segment, changed, falling_to, held_until
from main.scores
left join main.accounts using (account_id)
where standing = 'scored'
order by scores.account_id

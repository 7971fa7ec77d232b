-- Reads what stores may have of every account.
-- Inputs: accounts, customers, scores; $imported, whether scores came with the customer list; $basis, whether there is one for profiling;
-- $consent, whether it is consent. Grain: one row per account, in the order of account_id. Output: attributes; scored (whether values may be
-- published) and values; imported (whether a segment of the list's may be) and segment.
select
    accounts.account_id,
    language, home_store, first_name, groups, objected, profiling, marketing, linked_answers, minor, blocked, tier, points,
    not $imported and scores.standing in ('scored', 'lapsed') and $basis and not coalesce(objected, false) and not coalesce(minor, false)
        and (not $consent or coalesce(profiling, false)) as scored,
    scores.first_receipt, scores.last_receipt, scores.frequency, scores.monetary_minor, scores.visits, scores.spend_minor,
    scores.previous_segment, scores.changed,
    $imported and customers.segment is not null and $basis and not coalesce(objected, false) and not coalesce(minor, false)
        and (not $consent or coalesce(profiling, false)) as imported,
    customers.segment, customers.r::bigint, customers.f::bigint, customers.m::bigint
from main.accounts
left join main.customers using (account_id)
left join main.scores using (account_id)
order by accounts.account_id

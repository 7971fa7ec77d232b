-- Reads all who were scored.
-- Inputs: scores, accounts. Grain: one row per account, in the order of account_id. Output: the columns of the export.
select
    scores.account_id, accounts.external_id, recency_days::bigint, frequency, monetary_minor, r::bigint, f::bigint, m::bigint, segment,
    first_receipt, last_receipt, previous_segment, changed, falling_to, held_until,
    alive_millionths, visits_thousandths, next_visit_days::bigint, value_minor, profit_minor,
    nullif(favourite_group, ''), nullif(favourite_brand, ''), breadth::bigint, promotion_percent::bigint, nullif(usual_weekday, 0)::bigint,
    nullif(usual_hours, ''), nullif(usual_season, ''), nullif(usual_store, ''), nullif(cluster, ''), array_to_string(also_bought, ' '), nullif(usual_channel, '')
from main.scores
left join main.accounts using (account_id)
left join (select * exclude (recency_days) from main.predictions) as predictions using (account_id)
left join main.pictures using (account_id)
where standing = 'scored'
order by scores.account_id

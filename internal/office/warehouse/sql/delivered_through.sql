-- Notes how far a journal has been taken in.
-- Inputs: $server, $incarnation (32 hexadecimal digits), $through. Grain: one row. Changes: delivered_through.
merge into main.delivered_through as known
using (select $server as server_id, $incarnation::uuid as incarnation, $through::ubigint as through) as told
on known.server_id = told.server_id and known.incarnation = told.incarnation
when matched then update set through = greatest(known.through, told.through)
when not matched then insert values (told.server_id, told.incarnation, told.through)

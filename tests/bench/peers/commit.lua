-- What the peers of the bench commit: one script, one atomic step, the same work for each of them: the
-- idempotency key, the exact window, the effect, the entry on the hand-off stream.
--
-- KEYS 1 the record of the id, 2 rate (LIST of us stamps), 3 events (STREAM), 4 the user (HASH),
--      5 a history (LIST) or '', 6 the payment (HASH) or ''
-- ARGV 1 fingerprint of the body, 2 rate count, 3 rate window us, 4 seconds that ids are kept, 5 id,
--      6 type, 7 body, 8 the event's stamp in us, 9 the entry of the history or '',
--      10 kind of the effect: add, newer or profile, and behind it field and value pairs
--      (add: the payment's user, amount, total and count)
-- Returns a word (new, duplicate, conflict or limited) and a time in us.
local K, A, call = KEYS, ARGV, redis.call

local known = call('GET', K[1])
if known then
  local same = string.sub(known, 1, #A[1]) == A[1]
  return { same and 'duplicate' or 'conflict', tonumber(string.sub(known, #A[1] + 2)) }
end

local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local at = string.format('%.0f', now)
local limit, window = A[2] + 0, A[3] + 0
local oldest = call('LINDEX', K[2], -limit)
if oldest and now - oldest < window then
  return { 'limited', oldest + window - now }
end

call('XADD', K[3], '*', 'id', A[5], 'type', A[6], 'at', at, 'body', A[7])
call('SET', K[1], A[1] .. ' ' .. at, 'EX', A[4])
if call('RPUSH', K[2], at) > limit + 50 then
  call('LTRIM', K[2], -limit, -1)
end
local fresh = true
if A[10] == 'add' then
  fresh = call('HSETNX', K[6], 'user_id', A[11]) == 1
  if fresh then
    call('HSET', K[6], 'amount_msat', A[12], 'event_id', A[5], 'at', A[8])
    call('HINCRBY', K[4], A[13], A[12])
    call('HINCRBY', K[4], A[14], 1)
  end
else
  for i = 11, #A, 2 do
    local stamp = 'at.' .. A[i]
    local old = call('HGET', K[4], stamp)
    if not old or old + 0 <= A[8] + 0 then
      call('HSET', K[4], A[i], A[i + 1], stamp, A[8])
    end
  end
end
if fresh and K[5] ~= '' and call('RPUSH', K[5], A[9]) > 10000 then
  call('LTRIM', K[5], -10000, -1)
end
return { 'new', now }

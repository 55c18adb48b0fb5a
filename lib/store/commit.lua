-- commit: checks and applies one batch of store.h members, in order, in one atomic step.
--
-- Plain Lua 5.1 to 5.4 without a shebang: with one, Redis refuses the whole script while it is full
-- or read-only, and then duplicates could not be answered.
--
-- Redis does not roll back. So a member is planned first: every type, sum and permission. Then
-- comes its first write, which Redis takes or refuses (OOM, READONLY, MISCONF, NOREPLICAS) with
-- nothing done; then writes that cannot fail any more. Reads run under pcall and check a key's
-- type, which spares a TYPE each. (A user whose ACL lets him read a key but not write it is the one
-- hole that is left; the self-test finds it.)
--
-- Few functions, for each is made anew at every run and costs as much as several reads;
-- `repeat ... until true` with `break` stands where one would return.
--
-- KEYS 1 rate (LIST of us stamps), 2 events, 3 audit, 4 quarantine (STREAMs), 5 quarantine:seen,
--      6 dirty (HASHes); then, member by member, the record of an event's id and a key for each
--      change; and the last one of all, closed (a string): why this provider's store takes nothing.
--      What lies in them: a record is the ARGV of that name, a space, the time, a space and the id
--      on the events stream; events: id type at body; audit: outcome id type, and sid, reason, flags
--      where there are any; quarantine: digest reason id type at detail body; quarantine:seen:
--      "reason digest" -> "<id on the quarantine stream> <how often> <last us>"; dirty: hook -> us.
-- ARGV 1 members, 2 rate count, 3 rate window us, 4 seconds that ids are kept, 5 backlog limit,
--      6 quarantine limit, 7 audit limit, 8 history limit, 9 whether to touch the record of what
--      is known already (1) or not (0), and then each member:
--   event  E (F: outside the rate window) args keys record id type body stamp reason changes...
--   mark   M args 0 record id type
--   note   N args 0 record id type body reason detail
--     args counts from E to the end of the member, keys those that belong to it; record is the
--     base64 SHA-256 of the body (44 characters), a space and the base64 nonce (24)
--   change S field value | N field value max | E field | A field value | L value |
--          C fields compare name value...     the verbs of events/change.h
--
-- Returns four values a member: its code and flags as numbers of store.h; a time (us; for a limited
-- one how long until it may pass); a word, or Redis's own error text, or 0.
local K, A, call, try = KEYS, ARGV, redis.call, redis.pcall
local unpack, format, sub, find = table.unpack or unpack, string.format, string.sub, string.find
local ACCEPTED, DUPLICATE, CONFLICT, LIMITED, REFUSED, UNAVAILABLE, FAULT = 0, 1, 2, 3, 4, 5, 6

local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local at = format('%.0f', now)
local limit, window, history = A[2] + 0, A[3] + 0, A[8] + 0
local allowed = redis.acl_check_cmd -- since 7.0

local prepared, stop -- stop: the error for which nothing of this batch can be written
local backlog        -- entries on the hand-off stream
local in_ring        -- stamps in the ring before this batch
local stamps = {}    -- of its accepted members: added to the ring all at once, in the end
local flags          -- of the member at hand

-- The plan of the member at hand is nops commands. The n-th is verb[n] with the arguments
-- w[from[n]], which is its key, to w[to[n]]. (The zeros save growing step by step.)
local nops, nw = 0, 0
local verb, from, to = { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 }
local w = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

-- A field as the changes planned so far leave it: text, false, or an error.
local function get(key, field)
  for n = nops, 1, -1 do
    local first = from[n]
    if w[first] == key then
      if verb[n] ~= 'HSET' then
        return { err = 'WRONGTYPE' }
      end
      for p = to[n] - 1, first + 1, -2 do
        if w[p] == field then
          return w[p + 1]
        end
      end
    end
  end
  return try('HGET', key, field)
end

-- Plans a field; the reads before it made sure of the key's type.
local function put(key, field, value)
  if nops == 0 or w[from[nops]] ~= key then
    nops, nw = nops + 1, nw + 1
    verb[nops], from[nops], w[nw] = 'HSET', nw, key
  end
  w[nw + 1], w[nw + 2] = field, value
  nw = nw + 2
  to[nops] = nw
end

-- Plans the changes in the arguments p to stop_at - 1, whose keys begin at k. Returns nothing when
-- all can be applied; else a code, a word, and where it was; or an error of Redis alone.
local function plan(p, stop_at, k, eff, stamp)
  local stale, capped = 0, 0
  nops, nw = 0, 0
  while p < stop_at do
    local name, key, field = A[p], K[k], A[p + 1]
    k = k + 1
    if name == 'C' or name == 'L' then
      local there -- the command that is planned on this key already
      for n = nops, 1, -1 do
        if w[from[n]] == key then
          there = verb[n]
          break
        end
      end
      local want = name == 'C' and 'HSET' or 'RPUSH'
      if there and there ~= want then
        return FAULT, 'wrong_type'
      end
      local length = there and 1 or try(name == 'C' and 'HLEN' or 'LLEN', key)
      if type(length) == 'table' then
        return length
      end
      local args, count = p + 1, 1
      if name == 'C' then
        if length > 0 then
          local flag = 1
          for f = p + 3, p + 1 + 2 * A[p + 2], 2 do
            if get(key, A[f]) ~= A[f + 1] then
              flag = 2
            end
          end
          flags = flags + flag
          break
        end
        args, count = p + 3, 2 * field
      end
      p = args + count
      nops, nw = nops + 1, nw + 1
      verb[nops], from[nops], w[nw] = want, nw, key
      for a = args, p - 1 do
        nw = nw + 1
        w[nw] = A[a]
      end
      to[nops] = nw
    else
      local old = get(key, name == 'N' and 'at.' .. field or field)
      if type(old) == 'table' then
        return old
      end
      if name == 'S' then
        put(key, field, A[p + 2])
        p = p + 3
      elseif name == 'A' then
        -- Exact where doubles are not: in a high and a low part of nine digits.
        local a, b, total = old or '0', A[p + 2], nil
        if #a > 19 or not (a == '0' or find(a, '^[1-9]%d*$')) then
          return FAULT, 'bad_number'
        elseif #a < 16 and #b < 16 then
          total = format('%.0f', a + b)
        else
          local low, high = sub(a, -9) + 0, tonumber(sub(a, 1, -10)) or 0
          if high > 9223372036 or high == 9223372036 and low > 854775807 then
            return FAULT, 'bad_number'
          end
          low, high = low + sub(b, -9), high + (tonumber(sub(b, 1, -10)) or 0)
          if low >= 1000000000 then
            low, high = low - 1000000000, high + 1
          end
          if high > 9223372036 or high == 9223372036 and low > 854775807 then
            return REFUSED, 'overflow', 'field ' .. field .. ' of ' .. key
          end
          total = format('%.0f%09.0f', high, low)
        end
        put(key, field, total)
        p = p + 3
      elseif old and (#old > 17 or not find(old, '^%-?%d+$')) then
        return FAULT, 'bad_number'
      elseif name == 'E' then
        if not old or eff < old + 0 then
          put(key, field, stamp)
        end
        p = p + 2
      else
        local most, counter, count = A[p + 3] + 0, nil, nil
        if most > 0 and not old and not get(key, field) then
          counter = 'count.' .. string.match(field, '^[^.]*')
          count = get(key, counter) or '0'
          if #count > 9 or not find(count, '^%d+$') then
            return FAULT, 'bad_number'
          end
        end
        if old and eff < old + 0 then
          stale = 8
        elseif count and count + 0 >= most then
          capped = 16
        else
          put(key, field, A[p + 2])
          put(key, 'at.' .. field, stamp)
          if count then
            put(key, counter, format('%.0f', count + 1))
          end
        end
        p = p + 4
      end
    end
  end
  flags = flags + stale + capped
end

-- Evidence is kept once for each (reason, body); a repeat raises its counter. An entry that
-- somebody took out of the stream counts as new. Returns its id, or nil and a word or an error.
local function keep(reason, i, detail)
  local digest, most = sub(A[i + 3], 1, 44), A[6] + 0
  local mark = reason .. ' ' .. digest
  local held, seen = try('XLEN', K[4]), try('HGET', K[5], mark)
  if type(held) == 'table' then
    return nil, held
  elseif type(seen) == 'table' then
    return nil, seen
  end
  local sid, count = string.match(seen or '', '^(%d+%-%d+) (%d+) ')
  local there = sid and try('XRANGE', K[4], sid, sid)
  if there and there.err then
    return nil, there
  elseif there and #there > 0 then
    local reply = try('HSET', K[5], mark, sid .. ' ' .. format('%.0f', count + 1) .. ' ' .. at)
    if type(reply) == 'table' then
      return nil, reply
    end
    return sid
  end
  if most > 0 and held >= most then
    return nil, 'quarantine_full'
  elseif allowed and not (allowed('DEL', K[5]) and allowed('HLEN', K[5])
                          and allowed('HSET', K[5], '0', '0')) then
    return nil, { err = 'NOPERM the user may not run one of del, hlen, hset' }
  end
  sid = try('XADD', K[4], '*', 'digest', digest, 'reason', reason, 'id', A[i + 4], 'type', A[i + 5],
            'at', at, 'detail', detail, 'body', A[i + 6])
  if type(sid) == 'table' then
    return nil, sid
  end
  -- The index outlives entries that were taken out; this bounds it, and loses only counters.
  if held == 0 or call('HLEN', K[5]) > 2 * held + 1000 then
    call('DEL', K[5])
  end
  call('HSET', K[5], mark, sid .. ' 1 ' .. at)
  return sid
end

local out, i, k = { 0, 0, 0, 0 }, 10, 7
for o = 1, A[1] * 4, 4 do
  local kind, record, stop_at = A[i], A[i + 3], i + A[i + 1]
  local code, when, word = nil, 0, 0
  local exempt = kind == 'F'
  local outcome, reason, sid -- for the audit stream; no outcome: no entry
  local evidence, detail     -- the reason under which the body goes to quarantine
  local wrong                -- the error of a read or a first write
  flags = 0
  if exempt then
    kind = 'E'
  end

  -- 1. The same event before?
  if kind == 'E' then
    local known = try('GET', K[k])
    if type(known) == 'table' then
      wrong = known
    elseif known then
      local first = tonumber(string.match(known, '^ (%d+) ', 70))
      if not first then
        code, word = FAULT, 'bad_record'
      elseif sub(known, 1, 69) == record then
        code, when = ACCEPTED, first
      elseif sub(known, 1, 44) == sub(record, 1, 44) then
        code, when, outcome = DUPLICATE, first, 'duplicate'
      else
        code, outcome, evidence = CONFLICT, 'conflict', 'conflict'
      end
      -- WAIT counts the replicas that hold what this connection wrote; newer servers do not ask
      -- what others did. To have the record on replicas before it is answered, it is written here:
      -- by its life, which begins anew. A server that takes no writes must not answer then.
      if A[9] == '1' and (code == ACCEPTED or code == DUPLICATE) then
        local reply = try('EXPIRE', K[k], A[4])
        if type(reply) == 'table' then
          wrong = reply
        end
      end
    end
  elseif kind == 'N' then
    code, outcome, evidence, detail = ACCEPTED, 'invalid', A[i + 7], A[i + 8]
  end

  -- 2. What concerns the whole batch, once one of it is about to be written. A command that was
  -- taken from the user's ACL would strike in the middle of a member, so it is asked for here; XADD
  -- (HSET of a mark) needs no question, for it comes first. Redis looks for keys where the command
  -- has them without counting the arguments first: to leave some out here can crash it.
  if not wrong and (not code or evidence) then
    if not prepared then
      prepared = true
      if allowed and not (allowed('SET', K[1], '0') and allowed('HSET', K[1], '0', '0')
                          and allowed('RPUSH', K[1], '0') and allowed('LTRIM', K[1], '0', '0')) then
        stop = { err = 'NOPERM the user may not run one of set, hset, rpush, ltrim' }
      end
      backlog = try('XLEN', K[2])
      local entries, newest = try('XLEN', K[3]), limit > 0 and try('LINDEX', K[1], -1)
      local closed = try('GET', K[#K])
      stop = stop or type(backlog) == 'table' and backlog or type(entries) == 'table' and entries
        or type(newest) == 'table' and newest
        or closed and (type(closed) == 'table' and closed or { err = 'CLOSED ' .. closed })
      -- The clock stepped back: stamps that lie ahead, which are the newest of the ring, count as
      -- now, so that the window refuses no longer than its own length. (A server that takes no writes
      -- refuses the first, and with it the members.)
      if not stop and newest and (tonumber(newest) or now + 1) > now then
        local reply = try('LSET', K[1], -1, at)
        flags = 32
        if reply.err then
          stop = reply
        else
          local ahead, past = 1, call('LLEN', K[1]) + 1 -- so many are; the past-th newest is not
          while past - ahead > 1 do
            local middle = math.floor((ahead + past) / 2)
            local stamp = tonumber(call('LINDEX', K[1], -middle))
            if (stamp or now + 1) > now then
              ahead = middle
            else
              past = middle
            end
          end
          local many = {}
          for n = 1, math.min(ahead, 1000) do
            many[n] = at
          end
          call('LTRIM', K[1], 0, -1 - ahead)
          for n = ahead, 1, -1000 do
            call('RPUSH', K[1], unpack(many, 1, math.min(n, 1000)))
          end
        end
      end
      in_ring = not stop and limit > 0 and call('LLEN', K[1])
    end
    wrong = stop
  end

  -- 3. A new event: window, backlog, plan, writes. Or a mark.
  if kind == 'E' and not code and not wrong then
    repeat
      -- The limit-th last: one of this batch, one of the ring, or there is none yet.
      local oldest = limit > 0 and not exempt and in_ring + #stamps >= limit
        and (#stamps >= limit and at or call('LINDEX', K[1], #stamps - limit))
      if oldest then
        oldest = tonumber(oldest)
        if not oldest then
          code, word = FAULT, 'bad_number'
          break
        end
        when = math.min(oldest, now) + window - now
        if when > 0 then
          code, outcome = LIMITED, 'limited'
          break
        end
      end
      when = 0
      if A[5] ~= '0' and backlog >= A[5] + 0 then
        code, word = UNAVAILABLE, 'backlog_full'
        break
      end
      local eff, stamp = A[i + 7] + 0, A[i + 7]
      if eff > now then
        eff, stamp, flags = now, at, flags + 4
      end
      code, word, detail = plan(i + 9, stop_at, k + 1, eff, stamp)
      if code == REFUSED then
        outcome, evidence = 'invalid', word
        break
      elseif code == FAULT then
        break
      elseif code then
        wrong = code
        break
      end
      sid = try('XADD', K[2], '*', 'id', A[i + 4], 'type', A[i + 5], 'at', at, 'body', A[i + 6])
      if type(sid) == 'table' then
        wrong = sid
        break
      end
      backlog = backlog + 1
      call('SET', K[k], record .. ' ' .. at .. ' ' .. sid, 'EX', A[4])
      if limit > 0 and not exempt then
        stamps[#stamps + 1] = at
      end
      for n = 1, nops do
        if verb[n] == 'HSET' then
          call('HSET', unpack(w, from[n], to[n]))
        else
          local key = w[from[n]]
          if call('RPUSH', key, w[to[n]]) > history and history > 0 then
            call('LTRIM', key, -history, -1)
          end
        end
      end
      code, when, word, outcome, reason = ACCEPTED, now, 0, 'accepted', A[i + 8]
    until true
  elseif kind == 'M' and not wrong then
    local reply = try('HSET', K[6], A[i + 4], at)
    if type(reply) == 'table' then
      wrong = reply
    else
      code, when, outcome = ACCEPTED, now, 'accepted'
    end
  end

  -- 4. Evidence. What cannot be kept is unavailable, for its code would end the sender's retries.
  if evidence and not wrong then
    sid, wrong = keep(evidence, i, detail or '')
    if sid then
      when, word, reason = now, evidence, evidence
    elseif wrong == 'quarantine_full' then
      code, word, outcome, wrong = UNAVAILABLE, wrong, nil, nil
    end
  end

  -- 5. The answer, and the audit entry under pcall: where it is the only write (of a duplicate, of
  -- a limited one) its failing must not cost the answer.
  if wrong then
    code, when, word, outcome = UNAVAILABLE, 0, wrong.err, nil
    if find(word, 'WRONGTYPE', 1, true) then
      code, word = FAULT, 'wrong_type'
    end
  end
  if outcome and A[7] ~= '0' then
    if sid and flags == 0 and reason == '' then
      try('XADD', K[3], 'MAXLEN', '~', A[7], '*', 'outcome', outcome, 'id', A[i + 4], 'type',
          A[i + 5], 'sid', sid)
    else
      local entry, n = { 'outcome', outcome, 'id', A[i + 4], 'type', A[i + 5] }, 6
      if sid then
        entry[n + 1], entry[n + 2], n = 'sid', sid, n + 2
      end
      if reason and reason ~= '' then
        entry[n + 1], entry[n + 2], n = 'reason', reason, n + 2
      end
      if flags > 0 then
        local words = {}
        local names = { 'no_effect', 'mismatch', 'future', 'stale', 'capped', 'clock_back' }
        for bit = 1, 6 do
          if flags % 2 ^ bit >= 2 ^ (bit - 1) then
            words[#words + 1] = names[bit]
          end
        end
        entry[n + 1], entry[n + 2] = 'flags', table.concat(words, ',')
      end
      try('XADD', K[3], 'MAXLEN', '~', A[7], '*', unpack(entry))
    end
  end
  out[o], out[o + 1], out[o + 2], out[o + 3] = code, flags, when, word
  i, k = stop_at, k + A[i + 2]
end
-- The ring may pass its limit by a little, so that it is trimmed only once in a while.
if #stamps > 0 and call('RPUSH', K[1], unpack(stamps)) > limit + 50 then
  call('LTRIM', K[1], -limit, -1)
end
return out

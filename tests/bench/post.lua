-- For wrk -t1: posts the lines of $REQUESTS (tests/load/presign.c: signature, body) in turn. The requests
-- are put together before the clock runs, so that the generator takes little of the machine. In the end it
-- prints one line of figures.
--
--   REQUESTS, T4G_API_KEY    FORGED=1: every signature is wrong by one digit
local requests, at, n = {}, 0, 0

function init()
    local path, host = wrk.path, wrk.headers["Host"]
    local key, forged = os.getenv("T4G_API_KEY"), os.getenv("FORGED") == "1"
    for line in io.lines(os.getenv("REQUESTS")) do
        local mac, body = line:sub(1, 64), line:sub(66)
        if forged then
            mac = (mac:sub(1, 1) == "0" and "1" or "0") .. mac:sub(2)
        end
        n = n + 1
        requests[n] = table.concat({
            "POST ", path, " HTTP/1.1\r\nHost: ", host, "\r\nContent-Type: application/json\r\nx-api-key: ", key,
            "\r\nx-t4g-signature: sha256=", mac, "\r\nContent-Length: ", #body, "\r\n\r\n", body })
    end
    collectgarbage("collect")
    collectgarbage("stop")
end

function request()
    at = at % n + 1
    return requests[at]
end

function done(summary, latency)
    local e = summary.errors
    print(string.format('figures answered=%d seconds=%.6f p50_us=%d p99_us=%d not_ok=%d broken=%d timeout=%d',
        summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), e.status,
        e.connect + e.read + e.write, e.timeout))
end

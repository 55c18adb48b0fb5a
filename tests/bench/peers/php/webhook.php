<?php
// A receiver of Dazno's events under php-fpm with phpredis: one persistent connection a worker, one script a
// webhook. Environment: REDIS_SOCKET, T4G_API_KEY, T4G_WEBHOOK_SECRET, COMMIT_LUA, COMMIT_SHA, RATE_COUNT,
// RATE_WINDOW_US
declare(strict_types=1);

const KEEP_IDS_S = 30 * 86400;
const TIME = '/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/D';

function answer(int $status, array $body, array $headers = []): never
{
    http_response_code($status);
    header('Content-Type: application/json');
    foreach ($headers as $header) {
        header($header);
    }
    echo json_encode($body, JSON_UNESCAPED_SLASHES);
    exit;
}

function refuse(int $status, string $detail, array $headers = []): never
{
    answer($status, ['received' => false, 'detail' => $detail], $headers);
}

function is_name(mixed $v): bool
{
    return is_string($v) && $v !== '' && strlen($v) <= 256;
}

function is_count(mixed $v): bool
{
    return is_int($v) && $v >= 0;
}

/** Keys of history and payment, entry, and the effect; null when a field is missing or wrong. */
function plan(array $e, string $at): ?array
{
    switch ($e['event_type']) {
        case 'user.created':
            if (!is_string($e['email'] ?? null) || substr_count($e['email'], '@') !== 1) {
                return null;
            }
            return ['', '', '', ['newer', 'email', $e['email'], 'created_at', $at]];
        case 'user.updated':
            return ['', '', '', ['newer', 'changed_at', $at]];
        case 'lightning.payment_received':
        case 'lightning.payment_sent':
            if (!is_count($e['amount_msat'] ?? null) || !is_name($e['payment_hash'] ?? null)) {
                return null;
            }
            $direction = $e['event_type'] === 'lightning.payment_sent' ? 'sent' : 'received';
            $entry = json_encode(['direction' => $direction, 'amount_msat' => $e['amount_msat'],
                'payment_hash' => $e['payment_hash'], 'event_id' => $e['id'], 'at' => $at]);
            return ["payments:{$e['user_id']}", "payment:$direction:{$e['payment_hash']}", $entry,
                ['add', $e['user_id'], $e['amount_msat'], "{$direction}_msat", "{$direction}_count"]];
        case 't4g.balance_updated':
            return is_count($e['new_balance'] ?? null) ? ['', '', '', ['newer', 'balance', $e['new_balance']]] : null;
        case 'gamification.level_up':
            if (!is_count($e['new_level'] ?? null) || !is_count($e['points'] ?? null)) {
                return null;
            }
            $entry = json_encode(['level' => $e['new_level'], 'points' => $e['points'],
                'event_id' => $e['id'], 'at' => $at]);
            return ["levels:{$e['user_id']}", '', $entry,
                ['newer', 'level', $e['new_level'], 'points', $e['points']]];
        default:
            return null;
    }
}

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    refuse(405, 'POST only', ['Allow: POST']);
}
if (!hash_equals($_SERVER['T4G_API_KEY'], $_SERVER['HTTP_X_API_KEY'] ?? '')) {
    refuse(401, 'Unauthorized');
}
$body = file_get_contents('php://input');
$mac = hash_hmac('sha256', $body, $_SERVER['T4G_WEBHOOK_SECRET']);
if (!hash_equals("sha256=$mac", $_SERVER['HTTP_X_T4G_SIGNATURE'] ?? '')) {
    refuse(401, 'Unauthorized');
}
$e = json_decode($body, true, 64);
if (!is_array($e) || !is_name($e['id'] ?? null) || !is_name($e['source'] ?? null) || !is_name($e['user_id'] ?? null) ||
    !is_name($e['event_type'] ?? null) || !is_string($e['timestamp'] ?? null) || !preg_match(TIME, $e['timestamp']) ||
    ($time = strtotime($e['timestamp'])) === false || ($plan = plan($e, $e['timestamp'])) === null) {
    refuse(400, 'not a valid event');
}

[$history, $record, $entry, $effect] = $plan;
try {
    $redis = new Redis();
    $redis->pconnect($_SERVER['REDIS_SOCKET'], 0, 2.0);
    $arguments = ["id:{$e['id']}", 'rate', 'events', "user:{$e['user_id']}", $history, $record,
        $mac, $_SERVER['RATE_COUNT'], $_SERVER['RATE_WINDOW_US'], KEEP_IDS_S, $e['id'], $e['event_type'], $body,
        $time * 1000000, $entry, ...$effect];
    $reply = $redis->evalSha($_SERVER['COMMIT_SHA'], $arguments, 6);
    if ($reply === false) {
        $redis->clearLastError();
        $reply = $redis->eval(file_get_contents($_SERVER['COMMIT_LUA']), $arguments, 6);
    }
} catch (RedisException) {
    $reply = false;
}
if ($reply === false) {
    refuse(503, 'the store is away', ['Retry-After: 2']);
}
[$outcome, $at] = $reply;
if ($outcome === 'conflict') {
    refuse(409, 'known id, another body');
}
if ($outcome === 'limited') {
    refuse(429, 'too many', ['Retry-After: ' . intdiv($at + 999999, 1000000)]);
}
answer(200, ['received' => true, 'webhook_id' => $e['id'],
    'processed_at' => gmdate('Y-m-d\TH:i:s\Z', intdiv($at, 1000000))],
    $outcome === 'duplicate' ? ['Idempotent-Replayed: true'] : []);

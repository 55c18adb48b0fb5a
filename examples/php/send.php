#!/usr/bin/env php
<?php
// Sends one signed event with the curl extension. The address, the key and the secret come from the
// environment: T4G_WEBHOOK_URL, T4G_API_KEY, T4G_WEBHOOK_SECRET. The event comes from standard input; if that is empty, one
// is made up.
declare(strict_types=1);

function sample(): string
{
    return json_encode([
        'id' => 'php-' . bin2hex(random_bytes(16)),
        'timestamp' => gmdate('Y-m-d\TH:i:s\Z'),
        'source' => 'dazno',
        'event_type' => 'user.created',
        'user_id' => 'php',
        'email' => 'php@example.com',
    ], JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES);
}

function setting(string $name): string
{
    $value = getenv($name);
    if ($value === false || $value === '') {
        fwrite(STDERR, "$name is not set\n");
        exit(2);
    }
    return $value;
}

$url = setting('T4G_WEBHOOK_URL');
$apiKey = setting('T4G_API_KEY');
$secret = setting('T4G_WEBHOOK_SECRET');

$body = stream_isatty(STDIN) ? '' : stream_get_contents(STDIN);
if ($body === '') {
    $body = sample();
}
// [docs
$signature = hash_hmac('sha256', $body, $secret);

$request = curl_init($url);
curl_setopt_array($request, [
    CURLOPT_POST => true,
    CURLOPT_POSTFIELDS => $body,
    CURLOPT_HTTPHEADER => [
        'Content-Type: application/json',
        "x-api-key: $apiKey",
        "x-t4g-signature: sha256=$signature",
    ],
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 10,
]);
$answer = curl_exec($request);
// docs]
if ($answer === false) {
    fwrite(STDERR, "$url: " . curl_error($request) . "\n");
    exit(2);
}
$status = curl_getinfo($request, CURLINFO_RESPONSE_CODE);
echo "$status\n$answer\n";
exit($status >= 200 && $status < 300 ? 0 : 1);

CREATE TABLE IF NOT EXISTS store_meta (
    name String, value String
)
ENGINE = ReplacingMergeTree
ORDER BY (name)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS locks (
    name String, term Int64, holder String, until DateTime64(6, 'UTC')
)
ENGINE = MergeTree
ORDER BY (name, term)
TTL toDateTime(until) + INTERVAL 1 DAY
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS source_index (
    team_id Int64 CODEC(ZSTD(1)),
    uuid UUID CODEC(ZSTD(1)),
    event LowCardinality(String) CODEC(ZSTD(1)),
    distinct_id String CODEC(ZSTD(1)),
    timestamp DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    session_id Nullable(String) CODEC(ZSTD(1)),
    span_id Nullable(String) CODEC(ZSTD(1)),
    parent_id Nullable(String) CODEC(ZSTD(1)),
    ingested_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    seq Int64 CODEC(Delta, ZSTD(1)),
    hour DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    place Int64 CODEC(Delta, ZSTD(1)),
    characters Int64 CODEC(ZSTD(1)),
    generation Bool CODEC(ZSTD(1)),
    activity Bool CODEC(ZSTD(1)),
    internal Bool CODEC(ZSTD(1)),
    INDEX seqs seq TYPE minmax GRANULARITY 1,
    INDEX traces trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX uuids uuid TYPE bloom_filter(0.01) GRANULARITY 1,
    PROJECTION arrivals (SELECT team_id, hour, countIf(generation) AS generations, maxIf(seq, generation) AS generations_seq,
    countIf(activity) AS events, maxIf(seq, activity) AS events_seq, maxIf(ingested_at, activity) AS arrived_at, max(seq) GROUP BY team_id, hour),
    PROJECTION activity (SELECT team_id, trace_id, minIf(timestamp, activity) AS first_at, maxIf(timestamp, activity) AS last_at,
    countIf(activity) AS events, sumIf(characters, activity) AS length, maxIf(seq, activity) AS as_of_seq,
    maxIf(internal, activity) AS ours GROUP BY team_id, trace_id)
)
ENGINE = MergeTree
ORDER BY (team_id, hour, trace_id, seq)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS source_properties (
    team_id Int64 CODEC(ZSTD(1)),
    hour DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    place Int64 CODEC(Delta, ZSTD(1)),
    uuid UUID CODEC(ZSTD(1)),
    properties String CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(hour)
ORDER BY (team_id, hour, place)
SETTINGS non_replicated_deduplication_window = 10000, index_granularity_bytes = 1048576;

CREATE TABLE IF NOT EXISTS derived_events_versions (
    team_id Int64 CODEC(ZSTD(1)),
    uuid UUID CODEC(ZSTD(1)),
    event LowCardinality(String) CODEC(ZSTD(1)),
    distinct_id String CODEC(ZSTD(1)),
    timestamp DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    session_id Nullable(String) CODEC(ZSTD(1)),
    span_id Nullable(String) CODEC(ZSTD(1)),
    parent_id Nullable(String) CODEC(ZSTD(1)),
    properties String CODEC(ZSTD(3)),
    hour DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    version LowCardinality(String) CODEC(ZSTD(1)),
    source_seq Int64 CODEC(Delta, ZSTD(1)),
    row_version Int64 CODEC(Delta, ZSTD(1)),
    deleted Bool CODEC(ZSTD(1)),
    INDEX traces trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX uuids uuid TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(row_version)
PARTITION BY toYYYYMMDD(hour)
ORDER BY (team_id, hour, trace_id, uuid)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS rejected_events_versions (
    source String CODEC(ZSTD(1)),
    line Int64 CODEC(ZSTD(1)),
    reason LowCardinality(String) CODEC(ZSTD(1)),
    excerpt String CODEC(ZSTD(3)),
    sha256 String CODEC(ZSTD(1)),
    rejected_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (source, line, sha256)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS texts_versions (
    team_id Int64 CODEC(ZSTD(1)),
    text_hash String CODEC(ZSTD(1)),
    text SimpleAggregateFunction(max, String) CODEC(ZSTD(3)),
    last_used_day SimpleAggregateFunction(max, Date32) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (team_id, text_hash)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS text_scores_versions (
    team_id Int64 CODEC(ZSTD(1)),
    text_hash String CODEC(ZSTD(1)),
    model_version LowCardinality(String) CODEC(ZSTD(1)),
    label LowCardinality(String) CODEC(ZSTD(1)),
    score Float64 CODEC(ZSTD(1)),
    scores String CODEC(ZSTD(3)),
    emotion LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    emotions String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
ORDER BY (team_id, text_hash, model_version)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS user_messages_versions (
    team_id Int64 CODEC(ZSTD(1)),
    hour DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    turn_key String CODEC(ZSTD(1)),
    text_hash String CODEC(ZSTD(1)),
    generation_uuid UUID CODEC(ZSTD(1)),
    message_index Int64 CODEC(ZSTD(1)),
    timestamp DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    occurrences Int64 CODEC(ZSTD(1)),
    first_in_history Bool CODEC(ZSTD(1)),
    removed_share Float64 CODEC(ZSTD(1)),
    source_seq Int64 CODEC(Delta, ZSTD(1)),
    row_version Int64 CODEC(Delta, ZSTD(1)),
    deleted Bool CODEC(ZSTD(1)),
    INDEX traces trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(row_version)
PARTITION BY toYYYYMMDD(hour)
ORDER BY (team_id, hour, trace_id, turn_key)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS generation_messages_versions (
    team_id Int64 CODEC(ZSTD(1)),
    hour DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    generation_uuid UUID CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    session_id Nullable(String) CODEC(ZSTD(1)),
    parent_id String CODEC(ZSTD(1)),
    distinct_id String CODEC(ZSTD(1)),
    timestamp DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    status LowCardinality(String) CODEC(ZSTD(1)),
    reason LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    messages String CODEC(ZSTD(3)),
    source_seq Int64 CODEC(Delta, ZSTD(1)),
    row_version Int64 CODEC(Delta, ZSTD(1)),
    deleted Bool CODEC(ZSTD(1)),
    INDEX traces trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(row_version)
PARTITION BY toYYYYMMDD(hour)
ORDER BY (team_id, hour, generation_uuid)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS message_sentiment_versions (
    team_id Int64 CODEC(ZSTD(1)),
    hour DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    turn_key String CODEC(ZSTD(1)),
    generation_uuid UUID CODEC(ZSTD(1)),
    message_index Int64 CODEC(ZSTD(1)),
    timestamp DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    status LowCardinality(String) CODEC(ZSTD(1)),
    reason LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    label LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    score Nullable(Float64) CODEC(ZSTD(1)),
    scores String CODEC(ZSTD(3)),
    emotion LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    emotions String CODEC(ZSTD(3)),
    model LowCardinality(String) CODEC(ZSTD(1)),
    model_version LowCardinality(String) CODEC(ZSTD(1)),
    source_seq Int64 CODEC(Delta, ZSTD(1)),
    row_version Int64 CODEC(Delta, ZSTD(1)),
    deleted Bool CODEC(ZSTD(1)),
    INDEX traces trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(row_version)
PARTITION BY toYYYYMMDD(hour)
ORDER BY (team_id, hour, trace_id, turn_key)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS generation_sentiment_versions (
    team_id Int64 CODEC(ZSTD(1)),
    hour DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    generation_uuid UUID CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    session_id Nullable(String) CODEC(ZSTD(1)),
    timestamp DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    status LowCardinality(String) CODEC(ZSTD(1)),
    reason LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    label LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    score Nullable(Float64) CODEC(ZSTD(1)),
    scores String CODEC(ZSTD(3)),
    mean_label LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    mean_scores String CODEC(ZSTD(3)),
    positive_max_score Nullable(Float64) CODEC(ZSTD(1)),
    negative_max_score Nullable(Float64) CODEC(ZSTD(1)),
    messages Int64 CODEC(ZSTD(1)),
    positive Int64 CODEC(ZSTD(1)),
    neutral Int64 CODEC(ZSTD(1)),
    negative Int64 CODEC(ZSTD(1)),
    unscored Int64 CODEC(ZSTD(1)),
    model LowCardinality(String) CODEC(ZSTD(1)),
    model_version LowCardinality(String) CODEC(ZSTD(1)),
    source_seq Int64 CODEC(Delta, ZSTD(1)),
    row_version Int64 CODEC(Delta, ZSTD(1)),
    deleted Bool CODEC(ZSTD(1)),
    INDEX traces trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(row_version)
PARTITION BY toYYYYMMDD(hour)
ORDER BY (team_id, hour, generation_uuid)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS trace_sentiment_versions (
    team_id Int64 CODEC(ZSTD(1)),
    hour DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    status LowCardinality(String) CODEC(ZSTD(1)),
    reason LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    label LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    score Nullable(Float64) CODEC(ZSTD(1)),
    scores String CODEC(ZSTD(3)),
    mean_label LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    mean_scores String CODEC(ZSTD(3)),
    worst_generation_uuid Nullable(UUID) CODEC(ZSTD(1)),
    worst_message_index Nullable(Int64) CODEC(ZSTD(1)),
    messages Int64 CODEC(ZSTD(1)),
    positive Int64 CODEC(ZSTD(1)),
    neutral Int64 CODEC(ZSTD(1)),
    negative Int64 CODEC(ZSTD(1)),
    unscored Int64 CODEC(ZSTD(1)),
    emotions String CODEC(ZSTD(3)),
    model LowCardinality(String) CODEC(ZSTD(1)),
    model_version LowCardinality(String) CODEC(ZSTD(1)),
    source_seq Int64 CODEC(Delta, ZSTD(1)),
    row_version Int64 CODEC(Delta, ZSTD(1)),
    deleted Bool CODEC(ZSTD(1)),
    INDEX traces trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(row_version)
PARTITION BY toYYYYMMDD(hour)
ORDER BY (team_id, hour, trace_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS trace_summaries_versions (
    team_id Int64 CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    mode LowCardinality(String) CODEC(ZSTD(1)),
    hour DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    title String CODEC(ZSTD(1)),
    flow_diagram String CODEC(ZSTD(3)),
    summary_bullets String CODEC(ZSTD(3)),
    interesting_notes String CODEC(ZSTD(3)),
    references_given Int64 CODEC(ZSTD(1)),
    references_valid Int64 CODEC(ZSTD(1)),
    text_repr_length Int64 CODEC(ZSTD(1)),
    event_count Int64 CODEC(ZSTD(1)),
    trace_timestamp DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    window_end DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    batch_run_id String CODEC(ZSTD(1)),
    model LowCardinality(String) CODEC(ZSTD(1)),
    model_version LowCardinality(String) CODEC(ZSTD(1)),
    content_hash String CODEC(ZSTD(1)),
    as_of_seq Int64 CODEC(Delta, ZSTD(1)),
    row_version Int64 CODEC(Delta, ZSTD(1)),
    deleted Bool CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(row_version)
ORDER BY (team_id, trace_id, mode)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS document_embeddings_versions (
    team_id Int64 CODEC(ZSTD(1)),
    document_type LowCardinality(String) CODEC(ZSTD(1)),
    document_id String CODEC(ZSTD(1)),
    rendering LowCardinality(String) CODEC(ZSTD(1)),
    hour DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    timestamp DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    text_hash String CODEC(ZSTD(1)),
    model LowCardinality(String) CODEC(ZSTD(1)),
    model_version LowCardinality(String) CODEC(ZSTD(1)),
    vector Array(Float32) CODEC(ZSTD(1)),
    metadata String CODEC(ZSTD(3)),
    as_of_seq Int64 CODEC(Delta, ZSTD(1)),
    row_version Int64 CODEC(Delta, ZSTD(1)),
    deleted Bool CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(row_version)
ORDER BY (team_id, document_type, document_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS llm_calls_versions (
    team_id Int64 CODEC(ZSTD(1)),
    call_uuid UUID CODEC(ZSTD(1)),
    purpose LowCardinality(String) CODEC(ZSTD(1)),
    item String CODEC(ZSTD(1)),
    run_id String CODEC(ZSTD(1)),
    provider LowCardinality(String) CODEC(ZSTD(1)),
    model LowCardinality(String) CODEC(ZSTD(1)),
    request_hash String CODEC(ZSTD(1)),
    started_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    status LowCardinality(String) CODEC(ZSTD(1)),
    reason LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    attempts Int64 CODEC(ZSTD(1)),
    input_tokens Int64 CODEC(ZSTD(1)),
    output_tokens Int64 CODEC(ZSTD(1)),
    tokens Int64 CODEC(ZSTD(1)),
    cost_usd Float64 CODEC(ZSTD(1)),
    seconds Float64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (team_id, call_uuid)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS llm_answers_versions (
    team_id Int64 CODEC(ZSTD(1)),
    request_hash String CODEC(ZSTD(1)),
    model LowCardinality(String) CODEC(ZSTD(1)),
    answer String CODEC(ZSTD(3)),
    input_tokens Int64 CODEC(ZSTD(1)),
    output_tokens Int64 CODEC(ZSTD(1)),
    last_used_day Date32 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (team_id, request_hash)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS coverage_versions (
    team_id Int64 CODEC(ZSTD(1)),
    hour DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    step LowCardinality(String) CODEC(ZSTD(1)),
    item String CODEC(ZSTD(1)),
    status LowCardinality(String) CODEC(ZSTD(1)),
    reason LowCardinality(String) CODEC(ZSTD(1)),
    source_seq Int64 CODEC(Delta, ZSTD(1)),
    row_version Int64 CODEC(Delta, ZSTD(1)),
    deleted Bool CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(row_version)
PARTITION BY toYYYYMMDD(hour)
ORDER BY (team_id, hour, step, item)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS hour_ledger_versions (
    team_id Int64 CODEC(ZSTD(1)),
    hour DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    step LowCardinality(String) CODEC(ZSTD(1)),
    number Int64 CODEC(ZSTD(1)),
    seen_seq Int64 CODEC(ZSTD(1)),
    model_version LowCardinality(String) CODEC(ZSTD(1)),
    finished_at Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    ok Int64 CODEC(ZSTD(1)),
    skipped Int64 CODEC(ZSTD(1)),
    failed Int64 CODEC(ZSTD(1)),
    runs Int64 CODEC(ZSTD(1)),
    attempts Int64 CODEC(ZSTD(1)),
    attempt_seq Int64 CODEC(ZSTD(1)),
    attempted_at Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    run_id String CODEC(ZSTD(1)),
    failure Nullable(String) CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(hour)
ORDER BY (team_id, hour, step)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE OR REPLACE VIEW derived_events AS
SELECT team_id, uuid, event, distinct_id, timestamp, trace_id, session_id, span_id, parent_id, properties, hour, version, source_seq FROM derived_events_versions FINAL
WHERE NOT deleted;

CREATE OR REPLACE VIEW rejected_events AS
SELECT source, line, reason, excerpt, sha256, rejected_at FROM rejected_events_versions FINAL;

CREATE OR REPLACE VIEW texts AS
SELECT team_id, text_hash, text, last_used_day FROM texts_versions FINAL;

CREATE OR REPLACE VIEW text_scores AS
SELECT team_id, text_hash, model_version, label, score, scores, emotion, emotions FROM text_scores_versions FINAL;

CREATE OR REPLACE VIEW user_messages AS
SELECT team_id, hour, trace_id, turn_key, text_hash, generation_uuid, message_index, timestamp, occurrences, first_in_history, removed_share, source_seq FROM user_messages_versions FINAL
WHERE NOT deleted;

CREATE OR REPLACE VIEW generation_messages AS
SELECT team_id, hour, generation_uuid, trace_id, session_id, parent_id, distinct_id, timestamp, status, reason, messages, source_seq FROM generation_messages_versions FINAL
WHERE NOT deleted;

CREATE OR REPLACE VIEW message_sentiment AS
SELECT team_id, hour, trace_id, turn_key, generation_uuid, message_index, timestamp, status, reason, label, score, scores, emotion, emotions, model, model_version, source_seq FROM message_sentiment_versions FINAL
WHERE NOT deleted;

CREATE OR REPLACE VIEW generation_sentiment AS
SELECT team_id, hour, generation_uuid, trace_id, session_id, timestamp, status, reason, label, score, scores, mean_label, mean_scores, positive_max_score, negative_max_score, messages, positive, neutral, negative, unscored, model, model_version, source_seq FROM generation_sentiment_versions FINAL
WHERE NOT deleted;

CREATE OR REPLACE VIEW trace_sentiment AS
SELECT team_id, hour, trace_id, status, reason, label, score, scores, mean_label, mean_scores, worst_generation_uuid, worst_message_index, messages, positive, neutral, negative, unscored, emotions, model, model_version, source_seq FROM trace_sentiment_versions FINAL
WHERE NOT deleted;

CREATE OR REPLACE VIEW trace_summaries AS
SELECT team_id, trace_id, mode, hour, title, flow_diagram, summary_bullets, interesting_notes, references_given, references_valid, text_repr_length, event_count, trace_timestamp, window_end, batch_run_id, model, model_version, content_hash, as_of_seq FROM trace_summaries_versions FINAL
WHERE NOT deleted;

CREATE OR REPLACE VIEW document_embeddings AS
SELECT team_id, document_type, document_id, rendering, hour, timestamp, text_hash, model, model_version, vector, metadata, as_of_seq FROM document_embeddings_versions FINAL
WHERE NOT deleted;

CREATE OR REPLACE VIEW llm_calls AS
SELECT team_id, call_uuid, purpose, item, run_id, provider, model, request_hash, started_at, status, reason, attempts, input_tokens, output_tokens, tokens, cost_usd, seconds FROM llm_calls_versions FINAL;

CREATE OR REPLACE VIEW llm_answers AS
SELECT team_id, request_hash, model, answer, input_tokens, output_tokens, last_used_day FROM llm_answers_versions FINAL;

CREATE OR REPLACE VIEW coverage AS
SELECT team_id, hour, step, item, status, reason, source_seq FROM coverage_versions FINAL
WHERE NOT deleted;

CREATE OR REPLACE VIEW hour_ledger AS
SELECT team_id, hour, step, number, seen_seq, model_version, finished_at, ok, skipped, failed, runs, attempts, attempt_seq, attempted_at, run_id, failure FROM hour_ledger_versions FINAL;

CREATE OR REPLACE VIEW source_events AS
SELECT i.team_id AS team_id, i.uuid AS uuid, i.event AS event, i.distinct_id AS distinct_id, i.timestamp AS timestamp, i.trace_id AS trace_id, i.session_id AS session_id, i.span_id AS span_id, i.parent_id AS parent_id, p.properties AS properties, i.ingested_at AS ingested_at, i.seq AS seq FROM source_index i JOIN source_properties p
ON i.team_id = p.team_id AND i.hour = p.hour AND i.place = p.place AND i.uuid = p.uuid;

CREATE OR REPLACE VIEW arrivals AS
SELECT team_id, hour, countIf(generation) AS generations, maxIf(seq, generation) AS generations_seq,
    countIf(activity) AS events, maxIf(seq, activity) AS events_seq, maxIf(ingested_at, activity) AS arrived_at FROM source_index GROUP BY team_id, hour HAVING events > 0;

CREATE OR REPLACE VIEW events AS
SELECT team_id, uuid, event, distinct_id, timestamp, trace_id, session_id, span_id, parent_id, properties, FALSE AS derived FROM source_events
UNION ALL SELECT team_id, uuid, event, distinct_id, timestamp, trace_id, session_id, span_id, parent_id, properties, TRUE AS derived FROM derived_events;

CREATE OR REPLACE VIEW turns AS
SELECT team_id, hour, trace_id, turn_key, text_hash, generation_uuid, message_index, timestamp, occurrences, first_in_history, removed_share, source_seq FROM (
    SELECT *, row_number() OVER (
        PARTITION BY team_id, trace_id, text_hash ORDER BY timestamp, toString(generation_uuid), first_in_history DESC
    ) AS n
    FROM (
        SELECT team_id, hour, trace_id, turn_key, text_hash, generation_uuid, message_index, timestamp, occurrences, first_in_history, removed_share, source_seq FROM user_messages WHERE TRUE
        ORDER BY timestamp, toString(generation_uuid) LIMIT 1 BY team_id, trace_id, turn_key
    )
) WHERE n = 1 OR NOT first_in_history;

CREATE OR REPLACE VIEW trace_totals AS
SELECT t.team_id AS team_id, t.trace_id AS trace_id, count() AS turns,
    countIf(m.label = 'positive') AS positive, countIf(m.label = 'neutral') AS neutral,
    countIf(m.label = 'negative') AS negative, countIf(m.label IS NULL) AS unscored,
    maxIf(m.score, m.label = 'negative') AS worst_negative,
    sumMap(if(m.emotion IS NULL, map(), map(assumeNotNull(toString(m.emotion)), toUInt64(1)))) AS emotions,
    min(t.timestamp) AS first_at, max(t.timestamp) AS last_at
FROM (SELECT team_id, hour, trace_id, turn_key, text_hash, generation_uuid, message_index, timestamp, occurrences, first_in_history, removed_share, source_seq FROM (
    SELECT *, row_number() OVER (
        PARTITION BY team_id, trace_id, text_hash ORDER BY timestamp, toString(generation_uuid), first_in_history DESC
    ) AS n
    FROM (
        SELECT team_id, hour, trace_id, turn_key, text_hash, generation_uuid, message_index, timestamp, occurrences, first_in_history, removed_share, source_seq FROM user_messages WHERE TRUE
        ORDER BY timestamp, toString(generation_uuid) LIMIT 1 BY team_id, trace_id, turn_key
    )
) WHERE n = 1 OR NOT first_in_history) t
LEFT JOIN (SELECT team_id, hour, trace_id, turn_key, label, score, emotion FROM message_sentiment WHERE TRUE) m
ON t.team_id = m.team_id AND t.hour = m.hour AND t.trace_id = m.trace_id AND t.turn_key = m.turn_key
GROUP BY t.team_id, t.trace_id
SETTINGS join_use_nulls = 1;

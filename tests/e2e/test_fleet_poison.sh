#!/usr/bin/env bash
# Messages that are no events, on every topic: each becomes one dead letter, the next one proceeds, and an
# operator can look at the letters, send them again and take them off the list.
# shellcheck source=tests/e2e/fleet_e2e.sh
. "$(dirname "$0")/fleet_e2e.sh"

# has_letters COUNT: whether that many dead letters are open; they are in $work/letters.json.
has_letters() {
    "$spiractl" dlq list -o json >"$work/letters.json"
    [ "$(jq length "$work/letters.json")" -eq "$1" ]
}

# letter FILTER CONDITION: something of each letter that fits the condition.
letter() {
    jq -r ".[] | select($2) | $1" "$work/letters.json"
}

small_csv "$work/metadata.csv"
fleet_up --feature-workers 1
mapfile -t topics < <(kafka ends | awk '$1 ~ /^spira\./ && $1 !~ /\.dlq$/ { print $1 }' | sort -u)
expect_equal "topics" "${#topics[@]}" 16
headers=(ce_specversion=1.0 ce_id=poison ce_source=/test ce_subject=01900000-0000-7000-8000-000000000000)
for topic in "${topics[@]}"; do
    printf '\xc1garbage' | kafka send "$topic" 0 "${headers[@]}" "ce_type=br.usp.ime.$topic.v1"
    printf '\x81\xa6run_id\x01' | kafka send "$topic" 0 "${headers[@]}" "ce_type=br.usp.ime.$topic.v1"
done >"$work/offsets"
await "dead letter for each message" has_letters $((2 * ${#topics[@]}))

# What came after them is dealt with, and they are still as many.
add_audio "$work/metadata.csv"
fleet_run after --config "$config"
expect_success after
await "group that has read everything" is_read_up
has_letters $((2 * ${#topics[@]})) || wrong "there are $(jq length "$work/letters.json") dead letters"
for topic in "${topics[@]}"; do
    expect_equal "dead letters of $topic" "$(letter '"\(.id) \(.reason) \(.attempts)"' ".topic == \"$topic\"" | sort | xargs)" \
        "${topic#spira.}:0:0 malformed 1 ${topic#spira.}:0:1 rejected_by_schema 1"
    # Each with the message as it was and every header there is.
    kafka read "$topic.dlq" | jq -e --arg topic "$topic" '
        (.headers | .["dlq-topic"] == $topic and .["dlq-partition"] == "0" and .["dlq-attempts"] == "1"
            and .["dlq-signal"] == "0" and .ce_id == "poison" and (.["dlq-group"] | startswith("spira."))
            and ([.["dlq-timestamp", "dlq-first-failed-at", "dlq-last-failed-at"] | test("^2.*Z$")] | all)
            and ([.["dlq-worker", "dlq-worker-version", "dlq-error"] | length > 0] | all))
        and .key == "sent" and .value == (if .headers["dlq-offset"] == "0" then "c167617262616765"
            else "81a672756e5f696401" end)' >"$work/fit" || wrong "a dead letter of $topic is not as it should be"
done
"$spiractl" state rebuild --check >"$work/check" || wrong "the run state is not what the events say: $(cat "$work/check")"

# An operator's look at them.
"$spiractl" dlq show model.trained:0:0 -o json >"$work/show.json"
expect_equal "value of a letter" "$(jq -r .value_hex "$work/show.json")" c167617262616765
"$spiractl" dlq show model.trained:0:1 -o json >"$work/show.json"
expect_equal "value of a letter" "$(jq -c .value "$work/show.json")" '{"run_id":1}'
expect_equal "letters of one topic" "$("$spiractl" dlq list run.failed --reason malformed -o json | jq -r '.[].id')" run.failed:0:0

# Sent again it fails again: another letter of another message, which tells where it came from.
"$spiractl" dlq retry model.trained:0:0 >"$work/retried"
await "letter of the message that was sent again" has_letters $((2 * ${#topics[@]}))
again=$(letter .id '.redrives == 1')
[[ $again == model.trained:* && $again != model.trained:0:0 ]] || wrong "the letter after a retry is '$again'"
expect_equal "bytes of the letter after a retry" "$("$spiractl" dlq show "$again" -o json | jq -r .value_hex)" c167617262616765
code=0
"$spiractl" dlq show model.trained:0:0 >"$work/gone.json" 2>"$work/gone.err" || code=$?
expect_refusal gone 3 model.trained:0:0

"$spiractl" dlq discard "$again" >/dev/null
has_letters $((2 * ${#topics[@]} - 1)) || wrong "discarding one letter leaves $(jq length "$work/letters.json")"
"$spiractl" dlq discard --all --reason malformed >/dev/null
has_letters ${#topics[@]} || wrong "discarding the malformed leaves $(jq length "$work/letters.json")"
"$spiractl" dlq discard --all >/dev/null
has_letters 0 || wrong "discarding all leaves $(jq length "$work/letters.json")"

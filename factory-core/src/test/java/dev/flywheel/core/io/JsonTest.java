package dev.flywheel.core.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.flywheel.core.StoreException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {

    private record Part(String name, double value) {}

    private record Whole(int format, Instant at, OptionalInt parent, List<Part> parts, Map<String, Part> byName) {
        Whole {
            parts = List.copyOf(parts);
            Objects.requireNonNull(at, "at");
        }
    }

    private static final Whole WHOLE = new Whole(
            1,
            Instant.parse("2026-01-31T12:00:00.123456789Z"),
            OptionalInt.of(3),
            List.of(
                    new Part("\u00e9\ud83d\ude00\"\n", 0.1),
                    new Part("", Double.NaN),
                    new Part("x", Double.NEGATIVE_INFINITY)),
            Map.of("y", new Part("y", Double.MIN_VALUE)));

    @Test
    void readsBackEqual() {
        assertThat(Json.read(Json.write(WHOLE), Whole.class, "test")).isEqualTo(WHOLE);
        Whole empty = new Whole(0, Instant.EPOCH, OptionalInt.empty(), List.of(), Map.of());
        assertThat(Json.read(Json.write(empty), Whole.class, "test")).isEqualTo(empty);
    }

    private record Delay(Duration most) {}

    @Test
    void durationsAreTextThatPeopleCanRead() {
        Delay delay = new Delay(Duration.ofHours(61).plusNanos(1_000));
        assertThat(new String(Json.writeLine(delay), StandardCharsets.UTF_8))
                .isEqualTo("{\"most\":\"PT61H0.000001S\"}");
        assertThat(Json.read(Json.write(delay), Delay.class, "test")).isEqualTo(delay);
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> Json.read(bytes("{\"most\":\"soon\"}"), Delay.class, "labels.json"))
                .withMessageContaining("labels.json")
                .withMessageContaining("expected ISO-8601 such as PT1H30M");
    }

    @Test
    void tellsWhatIsWrongAndWhere() {
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> Json.read(bytes("{\"name\":\"a\"}"), Part.class, "run.json"))
                .withMessage("reading run.json: it is not the JSON expected there: Missing creator property"
                        + " 'value' (index 1). Fix: restore the file from a backup.");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "{\"name\":\"a\",\"value\":1} x",
                "{\"name\":\"a\",\"value\":1,\"value\":2}",
                "{\"name\":\"a\",\"value\":null}",
                "{\"name\":\"a\",\"value\":1,\"@class\":\"java.lang.Runtime\"}"
            })
    void refusesWhatIsNotExactlyTheRecord(String json) {
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> Json.read(bytes(json), Part.class, "test"))
                .withMessageStartingWith("reading test: it ");
    }

    @Test
    void readsWhatANewerOrOlderLibraryWrote() {
        assertThat(Json.readKnown(bytes("{\"name\":\"a\",\"value\":1,\"novelty\":[{}]}"), Part.class, "test"))
                .isEqualTo(new Part("a", 1));
        Part older = Json.readKnown(bytes("{\"value\":1}"), Part.class, "test");
        assertThat(older.value()).isEqualTo(1);
        assertThat(older).extracting(Part::name).isNull();
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> Json.readKnown(bytes("{\"name\":\"a\"}"), Part.class, "test"));
    }

    @Test
    void refusesNestingWithoutEnd() {
        byte[] deep = new byte[1_000_000];
        Arrays.fill(deep, (byte) '[');
        assertThatExceptionOfType(StoreException.class).isThrownBy(() -> Json.fingerprint(deep, "x", "test"));
        assertThatExceptionOfType(StoreException.class).isThrownBy(() -> Json.read(deep, Whole.class, "test"));
    }

    @Test
    void fingerprintsDependOnContentAlone() {
        String one = Json.fingerprint(bytes("{\"b\":[1,2.50],\"a\":{\"d\":1,\"c\":2},\"sum\":\"x\"}"), "sum", "test");

        assertThat(Json.fingerprint(bytes(" { \"a\" : {\"c\":2, \"d\":1}, \"b\" : [1, 2.50] }"), "sum", "test"))
                .isEqualTo(one);
        assertThat(Json.fingerprint(bytes("{\"a\":{\"c\":2,\"d\":1},\"b\":[2.50,1]}"), "sum", "test"))
                .isNotEqualTo(one);
        // on disk for ever: the SHA-256 of {"a":{"c":2,"d":1},"b":[1,2.50]}
        assertThat(one).isEqualTo("bd1be8d82d7203465338dcb250f3b4500c5fd5cf2c562c8564e524ab7da70820");
    }

    private static byte[] bytes(String json) {
        return json.getBytes(StandardCharsets.UTF_8);
    }
}

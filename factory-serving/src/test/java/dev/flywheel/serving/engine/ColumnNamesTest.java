package dev.flywheel.serving.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ColumnNamesTest {

    @Test
    void readsArraysOfStrings() {
        assertThat(ColumnNames.parse("[]")).isEmpty();
        assertThat(ColumnNames.parse(" [ \"a\" ,\n\"b c\"] ")).containsExactly("a", "b c");
        assertThat(ColumnNames.parse("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\", \"ü\"]"))
                .containsExactly("\"\\/\b\f\n\r\té😀", "ü");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a",
                "[",
                "[\"a\"",
                "[\"a",
                "[\"a\",]",
                "[\"a\" \"b\"]",
                "[1]",
                "[null]",
                "[\"\\x\"]",
                "[\"\\u12\"]",
                "[\"\\u12g4\"]",
                "[\"a\n\"]",
                "[\"a\"] b",
                "{\"a\": 1}"
            })
    void refusesAnythingElse(String json) {
        assertThatThrownBy(() -> ColumnNames.parse(json))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("expected ")
                .hasMessageContaining(" of the JSON array " + json);
    }
}

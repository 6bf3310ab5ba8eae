package dev.flywheel.serving.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class OnnxTextTest {

    @Test
    void leavesAloneWhatArrivesUnchanged() {
        for (String text : new String[] {"", "plain", "Été", "味が良い", "\uFFFD\uE000\u0001"}) {
            assertThat(OnnxText.carried(text)).isSameAs(text);
        }
    }

    @Test
    void writesEveryOtherTextInCharactersThatArrive() {
        CharsetEncoder utf8 = StandardCharsets.UTF_8.newEncoder();
        assertThat(OnnxText.carried("a😀b")).isEqualTo("a\uE03D\uE600b");
        assertThat(OnnxText.carried("a\u0000b")).isEqualTo("a\uFFFDb");
        for (int c = 0; c <= Character.MAX_VALUE; c++) {
            String carried = OnnxText.carried("x" + (char) c);
            assertThat(utf8.canEncode(carried) && carried.indexOf(0) < 0)
                    .as(Integer.toHexString(c))
                    .isTrue();
        }
    }

    @Test
    void comesBackAsItWas() {
        for (String text : new String[] {"", "a", "a😀b", "😀😀", "é\uE000", "\uE400\uE000"}) {
            assertThat(OnnxText.returned(OnnxText.carried(text))).isEqualTo(text);
        }
        assertThat(java.util.stream.IntStream.rangeClosed(0x10000, 0x10FFFF)
                        .mapToObj(Character::toString)
                        .allMatch(text ->
                                OnnxText.returned(OnnxText.carried(text)).equals(text)))
                .isTrue();
    }

    @Test
    void keepsDifferentCharactersBeyondTheBasicPlaneDifferent() {
        assertThat(java.util.stream.IntStream.rangeClosed(0x10000, 0x10FFFF)
                        .mapToObj(code -> OnnxText.carried(Character.toString(code)))
                        .distinct()
                        .count())
                .isEqualTo(0x100000);
    }
}

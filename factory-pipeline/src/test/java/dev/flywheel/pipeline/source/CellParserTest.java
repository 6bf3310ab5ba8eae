package dev.flywheel.pipeline.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CellParserTest {

    private static CellParser cell(String text) {
        String padded = "9" + text + "9";
        return new CellParser().at(padded.toCharArray(), 1, 1 + text.length());
    }

    private static long micros(Instant time) {
        return Math.addExact(time.getEpochSecond() * 1_000_000, time.getNano() / 1_000);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0",
                "-0",
                "+1",
                "1.",
                ".5",
                "-.5",
                "1e3",
                "1E-3",
                "1.5e+10",
                " 7 ",
                "0.1",
                "123456789012345678901234567890",
                "9007199254740993",
                "0.00000000000000000000000000000000001",
                "1e308",
                "4.9e-324",
                "1e-400",
                "2.2250738585072012e-308",
                "179769313486231570000000000000000000000000",
                "3.14159265358979323846",
                "100000000000000000000000",
                "00012.50"
            })
    void numbersAreReadAsJavaReadsThem(String text) {
        CellParser cell = cell(text);
        assertThat(cell.number()).isEqualTo(Double.parseDouble(text));
        assertThat(cell.ok()).isTrue();
    }

    @Test
    void randomNumbersAreReadAsJavaReadsThem() {
        long seed = Long.getLong("tests.seed", System.nanoTime());
        Random random = new Random(seed);
        for (int i = 0; i < 200_000; i++) {
            String text = switch (random.nextInt(4)) {
                case 0 -> Double.toString(Double.longBitsToDouble(random.nextLong()));
                case 1 -> Float.toString(random.nextFloat() * 1e6f);
                case 2 -> Long.toString(random.nextLong()) + "." + random.nextInt(1_000_000);
                default -> (random.nextInt(2_000_000) - 1_000_000) / Math.pow(10, random.nextInt(7)) + "";
            };
            double expected = Double.parseDouble(text);
            CellParser cell = cell(text);
            double found = cell.number();
            assertThat(cell.ok()).as(text + ", -Dtests.seed=" + seed).isEqualTo(Double.isFinite(expected));
            if (cell.ok() && Double.doubleToRawLongBits(found) != Double.doubleToRawLongBits(expected)) {
                assertThat(found).as(text + ", -Dtests.seed=" + seed).isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "-",
                ".",
                "e5",
                "1e",
                "1e+",
                "1.2.3",
                "1,5",
                "0x10",
                "1d",
                "1f",
                "abc",
                "1 2",
                "Infinity",
                "-inf",
                "1e400",
                "١"
            })
    void whatIsNoFiniteNumberIsNotRead(String text) {
        CellParser cell = cell(text);
        cell.number();
        assertThat(cell.ok()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "-5, -5",
        "+5, 5",
        "007, 7",
        "3.0, 3",
        "3., 3",
        "-4.000, -4",
        "9223372036854775807, 9223372036854775807",
        "-9223372036854775808, -9223372036854775808",
        "0000000000000000000000000001, 1"
    })
    void wholeNumbersAreRead(String text, long expected) {
        CellParser cell = cell(text);
        assertThat(cell.integer()).isEqualTo(expected);
        assertThat(cell.ok()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "-", "3.5", "3.01", "1e3", "9223372036854775808", "-9223372036854775809", "12a", ".0", "1 0"
            })
    void whatIsNoWholeNumberIsNotRead(String text) {
        CellParser cell = cell(text);
        cell.integer();
        assertThat(cell.ok()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"true", "TRUE", "Yes", "y", "T", "1", " yes "})
    void truthIsRead(String text) {
        CellParser cell = cell(text);
        assertThat(cell.bool()).isTrue();
        assertThat(cell.ok()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"false", "No", "n", "F", "0"})
    void untruthIsRead(String text) {
        CellParser cell = cell(text);
        assertThat(cell.bool()).isFalse();
        assertThat(cell.ok()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "2", "maybe", "yess", "10"})
    void whatIsNoTruthValueIsNotRead(String text) {
        CellParser cell = cell(text);
        cell.bool();
        assertThat(cell.ok()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "2001-01-01, 2001-01-01T00:00:00Z",
        "2001-01-01T00:03, 2001-01-01T00:03:00Z",
        "2001-01-01 00:03, 2001-01-01T00:03:00Z",
        "2001-01-01T00:03:04, 2001-01-01T00:03:04Z",
        "2001-01-01T00:03Z, 2001-01-01T00:03:00Z",
        "2001-01-01T00:03:04.5Z, 2001-01-01T00:03:04.500Z",
        "'2001-01-01T00:03:04,123456', 2001-01-01T00:03:04.123456Z",
        "2001-01-01T00:03:04.123456789, 2001-01-01T00:03:04.123456Z",
        "2001-01-01T00:03:04+02:00, 2000-12-31T22:03:04Z",
        "2001-01-01T00:03:04-0330, 2001-01-01T03:33:04Z",
        "2001-01-01t00:03+01, 2000-12-31T23:03:00Z",
        "1969-12-31T23:59:59.999999, 1969-12-31T23:59:59.999999Z",
        "2000-02-29, 2000-02-29T00:00:00Z",
        "0001-01-01, 0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59, 9999-12-31T23:59:59Z"
    })
    void timesAreRead(String text, String expected) {
        CellParser cell = cell(text);
        assertThat(cell.time()).isEqualTo(micros(Instant.parse(expected)));
        assertThat(cell.ok()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "2001",
                "2001-1-1",
                "2001-13-01",
                "2001-00-01",
                "2001-02-29",
                "1900-02-29",
                "2001-04-31",
                "2001-01-01T",
                "2001-01-01T24:00",
                "2001-01-01T00:60",
                "2001-01-01T00:00:60",
                "2001-01-01T0:00",
                "2001-01-01T00:00:00.",
                "2001-01-01T00:00:00Zx",
                "2001-01-01T00:00+1",
                "2001-01-01T00:00+19:00",
                "2001-01-01T00:00+01:60",
                "2001-01-01x00:00",
                "01/02/2001",
                "2001-01-01T00:00:0",
                "2001-01-01T00:00+0:100",
                "20010101"
            })
    void whatIsNoTimeIsNotRead(String text) {
        CellParser cell = cell(text);
        cell.time();
        assertThat(cell.ok()).isFalse();
    }

    @Test
    void randomTimesAreReadAsJavaReadsThem() {
        long seed = Long.getLong("tests.seed", System.nanoTime());
        Random random = new Random(seed);
        for (int i = 0; i < 50_000; i++) {
            LocalDateTime time = LocalDate.of(1, 1, 1)
                    .plusDays(random.nextInt(3_650_000))
                    .atStartOfDay()
                    .plusNanos(random.nextLong(86_400_000_000L) * 1_000);
            OffsetDateTime zoned = time.atOffset(ZoneOffset.ofHoursMinutes(random.nextInt(10), random.nextInt(60)));
            assertThat(cell(time.toString()).time())
                    .as(time + ", -Dtests.seed=" + seed)
                    .isEqualTo(micros(time.toInstant(ZoneOffset.UTC)));
            assertThat(cell(zoned.toString()).time())
                    .as(zoned + ", -Dtests.seed=" + seed)
                    .isEqualTo(micros(zoned.toInstant()));
        }
    }

    @Test
    void missingIsToldFromAValue() {
        for (String text :
                new String[] {"", " ", "\t", "NA", "na", "N/A", "n/a", "NaN", "nan", "NULL", "null", " NA "}) {
            assertThat(cell(text).missing()).as(text).isTrue();
        }
        for (String text : new String[] {"0", "-", "none", "nil", "n", "NAN1", "?"}) {
            assertThat(cell(text).missing()).as(text).isFalse();
        }
    }

    @Test
    void textIsTheWholeCell() {
        assertThat(cell(" a ").text()).isEqualTo(" a ");
        assertThat(cell(" a ").isText(" a ")).isTrue();
        assertThat(cell(" a ").isText("a")).isFalse();
        assertThat(cell("ab").isText("ac")).isFalse();
        assertThat(cell("").isEmpty()).isTrue();
        assertThat(cell(" ").isEmpty()).isFalse();
    }
}

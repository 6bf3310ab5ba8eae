package dev.flywheel.core.stat.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.stat.stream.Detector.Change;
import dev.flywheel.core.stat.stream.Detector.Direction;
import dev.flywheel.core.stat.stream.Detector.Saved;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DetectorTest {

    private static final double[] WORSE_AT_1000 =
            Streams.joined(Streams.bits(1000, 0.1, 1), Streams.bits(1000, 0.6, 2));

    static List<Supplier<Detector>> all() {
        return List.of(
                Detector::adwin,
                () -> Detector.adwin(0.01, Direction.INCREASE),
                Detector::ddm,
                Detector::eddm,
                Detector::hddmA,
                () -> Detector.hddmA(0.001, 0.005, Direction.EITHER),
                Detector::hddmW,
                () -> Detector.hddmW(0.001, 0.005, 0.05, Direction.EITHER),
                Detector::pageHinkley,
                () -> Detector.pageHinkley(0.01, 20, Direction.EITHER));
    }

    @ParameterizedTest
    @MethodSource("all")
    void continuesAfterARestartAsIfNothingHadHappened(Supplier<Detector> made) {
        double[] stream = Streams.joined(WORSE_AT_1000, Streams.bits(1000, 0.05, 3), Streams.bits(1000, 0.5, 4));
        Detector whole = made.get();
        Detector interrupted = made.get();
        List<Integer> drifts = new ArrayList<>();
        for (int i = 0; i < stream.length; i++) {
            if (i % 97 == 0 || interrupted.sinceChange() > 0) {
                byte[] json = Json.write(interrupted.saved());
                interrupted = Detector.of(Json.read(json, Saved.class, "a test"));
                assertThat(interrupted.saved()).isEqualTo(whole.saved());
                assertThat(interrupted.sinceChange()).isEqualTo(whole.sinceChange());
            }
            Change change = whole.add(stream[i]);
            assertThat(interrupted.add(stream[i])).as("at %d", i).isEqualTo(change);
            if (change == Change.DRIFT) {
                drifts.add(i);
            }
        }

        assertThat(drifts).isNotEmpty();
        assertThat(interrupted.saved()).isEqualTo(whole.saved());
    }

    @ParameterizedTest
    @MethodSource("all")
    void startsAfreshWithTheValueAfterADrift(Supplier<Detector> made) {
        Detector detector = made.get();
        int at = 0;
        while (detector.add(WORSE_AT_1000[at++]) != Change.DRIFT) {}

        assertThat(detector.values()).isEqualTo(at);
        assertThat(detector.sinceChange()).isBetween(1L, (long) at);
        detector.add(1);
        assertThat(detector.values()).isEqualTo(1);
        assertThat(detector.sinceChange()).isZero();
    }

    @ParameterizedTest
    @MethodSource("all")
    void answersTheSameAfterAReset(Supplier<Detector> made) {
        Detector used = made.get();
        List<Integer> first = Streams.where(used, WORSE_AT_1000, Change.DRIFT);
        used.reset();

        assertThat(used.saved()).isEqualTo(made.get().saved());
        assertThat(Streams.where(used, WORSE_AT_1000, Change.DRIFT)).isEqualTo(first);
    }

    @ParameterizedTest
    @MethodSource("all")
    void saysHowManyValuesAreNew(Supplier<Detector> made) {
        Detector detector = made.get();
        int at = 0;
        while (detector.add(WORSE_AT_1000[at++]) != Change.DRIFT || at < 1000) {}

        assertThat(at - detector.sinceChange()).as("where the change is placed").isBetween(850L, 1100L);
    }

    @Test
    void eitherDirectionFindsWhatAnIncreaseLooksPast() {
        double[] better = Streams.joined(Streams.bits(1000, 0.7, 5), Streams.bits(1000, 0.1, 6));

        assertThat(Streams.where(Detector.adwin(0.002, Direction.INCREASE), better, Change.DRIFT))
                .isEmpty();
        assertThat(Streams.where(Detector.adwin(), better, Change.DRIFT)).isNotEmpty();
        assertThat(Streams.where(Detector.hddmA(), better, Change.DRIFT)).isEmpty();
        assertThat(Streams.where(Detector.hddmA(0.001, 0.005, Direction.EITHER), better, Change.DRIFT))
                .isNotEmpty();
        assertThat(Streams.where(Detector.hddmW(), better, Change.DRIFT)).isEmpty();
        assertThat(Streams.where(Detector.hddmW(0.001, 0.005, 0.05, Direction.EITHER), better, Change.DRIFT))
                .isNotEmpty();
        assertThat(Streams.where(Detector.pageHinkley(), better, Change.DRIFT)).isEmpty();
        assertThat(Streams.where(Detector.pageHinkley(0.005, 50, Direction.EITHER), better, Change.DRIFT))
                .isNotEmpty();
    }

    @Test
    void adwinForIncreasesForgetsWhatWasWorse() {
        Adwin adwin = new Adwin(0.002, Direction.INCREASE);
        for (double value : Streams.joined(Streams.bits(1000, 0.7, 5), Streams.bits(1000, 0.1, 6))) {
            adwin.add(value);
        }

        assertThat(adwin.width()).isBetween(900L, 1100L);
        assertThat(adwin.sum() / adwin.width()).isCloseTo(0.1, within(0.05));
    }

    @Test
    void adwinsMemoryGrowsWithTheLogarithmOfItsWindow() {
        Adwin adwin = new Adwin(0.002, Direction.EITHER);
        double[] sizes = new double[3];
        for (int i = 0, next = 0; i <= 1_000_000; i++) {
            if (i == 10_000 || i == 100_000 || i == 1_000_000) {
                sizes[next++] = adwin.saved().values().size();
            }
            adwin.add(i % 10 / 10.0);
        }

        assertThat(adwin.width()).isEqualTo(1_000_001);
        assertThat(sizes[1] - sizes[0]).isLessThan(60);
        assertThat(sizes[2] - sizes[1]).isLessThan(60);
        assertThat(sizes[2]).isLessThan(300);
    }

    @Test
    void adwinsMomentsAreThoseOfItsValuesAlsoAfterACut() {
        Adwin adwin = new Adwin(0.002, Direction.INCREASE);
        Random random = new Random(9);
        List<Double> values = new ArrayList<>();
        for (int i = 0; i < 5000; i++) {
            double value = 1e6 + random.nextDouble() - Math.floor(i / 1000.0);
            values.add(value);
            adwin.add(value);
        }

        assertThat(adwin.width()).isLessThan(1500);
        double[] window = values.subList(values.size() - (int) adwin.width(), values.size()).stream()
                .mapToDouble(Double::doubleValue)
                .toArray();
        double mean = Arrays.stream(window).average().orElseThrow();
        double squares = Arrays.stream(window)
                .map(value -> (value - mean) * (value - mean))
                .sum();
        assertThat(adwin.sum() / adwin.width()).isCloseTo(mean, within(1e-6));
        assertThat(adwin.deviation()).isCloseTo(squares, within(1e-4 * squares));
    }

    @ParameterizedTest
    @MethodSource("all")
    void staysSilentOnAConstant(Supplier<Detector> made) {
        Detector detector = made.get();
        for (int i = 0; i < 5000; i++) {
            assertThat(detector.add(1)).isEqualTo(Change.STABLE);
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void refusesWhatIsNoNumber(Supplier<Detector> made) {
        Detector detector = made.get();

        assertThatThrownBy(() -> detector.add(Double.NaN)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> detector.add(Double.POSITIVE_INFINITY)).isInstanceOf(IllegalArgumentException.class);
        assertThat(detector.values()).isZero();
    }

    @Test
    void saysWhichValuesItTakes() {
        assertThatThrownBy(() -> Detector.adwin().add(Double.NaN))
                .hasMessage("a detector takes finite numbers, found NaN");
        assertThatThrownBy(() -> Detector.hddmA().add(1.5))
                .hasMessage("this detector takes values from 0 to 1, found 1.5");
        assertThatThrownBy(() -> Detector.eddm().add(0.5))
                .hasMessage("this detector takes 0 (right) and 1 (wrong), found 0.5");
    }

    @Test
    void refusesSettingsThatMakeNoSense() {
        assertThatThrownBy(() -> Detector.adwin(0, Direction.EITHER))
                .hasMessage("delta must be above 0 and below 1, found 0.0");
        assertThatThrownBy(() -> Detector.ddm(3, 2)).hasMessage("warning must be at most drift, found 3.0 and 2.0");
        assertThatThrownBy(() -> Detector.ddm(0, 2))
                .hasMessage("warning must be above 0 standard deviations, found 0.0");
        assertThatThrownBy(() -> Detector.eddm(0.8, 0.9))
                .hasMessage("drift must be at most warning, found 0.9 and 0.8");
        assertThatThrownBy(() -> Detector.hddmW(0.001, 0.005, 1, Direction.INCREASE))
                .hasMessage("weight must be above 0 and below 1, found 1.0");
        assertThatThrownBy(() -> Detector.pageHinkley(-1, 50, Direction.INCREASE))
                .hasMessage("tolerance must be 0 or more, found -1.0");
        assertThatThrownBy(() -> Detector.pageHinkley(0, 0, Direction.INCREASE))
                .hasMessage("threshold must be above 0, found 0.0");
    }

    @Test
    void refusesADetectorThatIsDamaged() {
        Saved good = Detector.ddm().saved();

        assertThatThrownBy(() -> Detector.of(new Saved("kswin", good.settings(), good.values())))
                .isInstanceOf(StoreException.class)
                .hasMessage("restoring the detector \"kswin\": there is no detector of this kind. Fix: restore the"
                        + " file that it was saved in from a backup, or start with a new detector.");
        assertThatThrownBy(() -> Detector.of(new Saved("ddm", Map.of(), good.values())))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("it lacks the setting warning");
        assertThatThrownBy(() -> Detector.of(new Saved("ddm", good.settings(), List.of(1.0, 0.0, 0.0, 2.0))))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("it remembers 1 values, expected 5");
        assertThatThrownBy(() ->
                        Detector.of(new Saved("adwin", Detector.adwin().saved().settings(), List.of())))
                .isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> Detector.of(new Saved("ddm", Map.of("warning", 3.0, "drift", 2.0), good.values())))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("warning must be at most drift, found 3.0 and 2.0");
    }
}

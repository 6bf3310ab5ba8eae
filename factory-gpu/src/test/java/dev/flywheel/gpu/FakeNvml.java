package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * The management library of {@code src/test/native/fake_nvml.c}, compiled and loaded. Of one test at a time: there is
 * one script in a process for each set of hidden functions.
 */
final class FakeNvml {

    private static final Map<List<String>, FakeNvml> BUILT = new ConcurrentHashMap<>();

    /** A GPU that tells everything. */
    static final List<String> HOPPER = List.of(
            "sys count const 1",
            "sys driver text 550.54.15",
            "sys cuda const 12040",
            "0 name text NVIDIA H200",
            "0 uuid text GPU-11111111-2222-3333-4444-555555555555",
            "0 pci text 00000000:3B:00.0",
            "0 capability const 90",
            "0 maxclock.sm const 1980",
            "0 maxclock.memory const 3201",
            "0 mig const 0",
            "0 memory.total const 150754820096",
            "0 memory.reserved const 629145600",
            "0 memory.used const 12000000000",
            "0 utilization const 97",
            "0 power seq 350250 351000",
            "0 powerlimit const 700000",
            "0 energy ramp 1234567890 500",
            "0 temperature const 61",
            "0 clock.sm const 1755",
            "0 clock.memory const 3201",
            "0 throttle const 4",
            "0 pcie.sent const 1200",
            "0 pcie.received const 55000",
            "0 processes const 2",
            "0 process.used seq 8589934592 18446744073709551615",
            "0 gpm const 1",
            "0 gpm.2 const 91.5",
            "0 gpm.3 const 40.25",
            "0 gpm.5 const 62.75",
            "0 gpm.10 const 33",
            "0 gpm.20 const 100",
            "0 gpm.21 const 2000.5");

    private final Path file;
    private final NativeLibrary library;

    private FakeNvml(Path file) {
        this.file = file;
        this.library = NativeLibrary.getInstance(file.toString());
    }

    /**
     * {@return the library, with this script alone} The test is skipped where there is no gcc.
     *
     * @param hidden functions that it is to be without
     */
    static FakeNvml scripted(List<String> script, String... hidden) {
        FakeNvml fake = BUILT.computeIfAbsent(List.of(hidden), FakeNvml::build);
        fake.library.getFunction("fake_reset").invokeVoid(new Object[0]);
        script.forEach(fake::script);
        return fake;
    }

    private static FakeNvml build(List<String> hidden) {
        try {
            List<String> flags = new ArrayList<>(List.of("-Wall", "-Wextra", "-Werror", "-pthread"));
            hidden.forEach(function -> flags.add("-D" + function + "=hidden_" + function));
            Path directory = Files.createTempDirectory("fake-nvml");
            // JNA finds again by its name what it has loaded: this must not stand for the real one.
            Path file = NativeFake.compile(directory, "fake_nvml.c", "libfake-nvml.so", flags);
            directory.toFile().deleteOnExit();
            file.toFile().deleteOnExit();
            return new FakeNvml(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Says what a value is from now on; see the source for the words. */
    void script(String line) {
        assertThat(library.getFunction("fake_script").invokeInt(new Object[] {line}))
                .as(line)
                .isZero();
    }

    GpuTelemetry open(LongSupplier nanos) {
        return Nvml.open(List.of(file.toString()), nanos);
    }

    GpuTelemetry open() {
        return open(System::nanoTime);
    }

    /** {@return how many telemetries have not left the driver} */
    int inits() {
        return library.getFunction("fake_inits").invokeInt(new Object[0]);
    }

    /** {@return how many samples of counters have not been freed} */
    int samples() {
        return library.getFunction("fake_samples").invokeInt(new Object[0]);
    }

    /** {@return how many calls about devices there were} */
    long calls() {
        return library.getFunction("fake_calls").invokeLong(new Object[0]);
    }

    /** {@return a size or an offset, as the C compiler lays it out} */
    long layout(String what) {
        long found = library.getFunction("fake_layout").invokeLong(new Object[] {what});
        assertThat(found).as(what).isNotNegative();
        return found;
    }

    /** Waits until a thread is in a call that blocks. */
    void awaitBlocked() {
        library.getFunction("fake_await_blocked").invokeVoid(new Object[0]);
    }

    /** Lets calls that block return. */
    void release() {
        library.getFunction("fake_release").invokeVoid(new Object[0]);
    }
}

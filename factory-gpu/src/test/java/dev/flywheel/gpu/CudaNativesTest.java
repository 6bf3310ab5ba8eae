package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.jna.NativeLibrary;
import dev.flywheel.core.MissingEngineException;
import dev.flywheel.core.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CudaNativesTest {

    private static final String CUDA = "org/bytedeco/cuda/linux-x86_64/";

    private static final List<String> TORCH_SETTINGS =
            List.of("PYTORCH_LIBRARY_PATH", "PYTORCH_VERSION", "PYTORCH_FLAVOR", "PYTORCH_LIBRARY_EXCLUSION");

    private static int made;

    private final String needed = "libneeded" + ++made + ".so.1";

    @TempDir
    Path temporary;

    @AfterEach
    void forgetTorch() {
        TORCH_SETTINGS.forEach(System::clearProperty);
    }

    private Path jar(Map<String, byte[]> entries) throws IOException {
        Path jar = Files.createTempFile(temporary, "natives", ".jar");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                zip.putNextEntry(new ZipEntry(entry.getKey()));
                zip.write(entry.getValue());
            }
        }
        return jar;
    }

    /**
     * The one that needs the other comes first, and says nothing of where that is. Under a name that was never loaded
     * into this process.
     */
    private Path twoLibraries() throws Exception {
        Path built = Files.createDirectories(temporary.resolve("built"));
        Path other = NativeFake.compile(built, "needed.c", needed, List.of("-Wl,-soname," + needed));
        Path needing = NativeFake.compile(built, "needing.c", "libaneeding.so", List.of("-L" + built, "-l:" + needed));
        Path gone = NativeFake.compile(built, "needed.c", "libgone.so", List.of());
        Path lonely = NativeFake.compile(built, "needing.c", "liblonely.so", List.of("-L" + built, "-lgone"));
        Files.delete(gone);
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put(CUDA + "libaneeding.so", Files.readAllBytes(needing));
        entries.put(CUDA + needed, Files.readAllBytes(other));
        entries.put(CUDA + "libjnicuda.so", new byte[] {1});
        entries.put(CUDA + "libcuda.so.1", new byte[] {1});
        entries.put(CUDA + "libhardware_of_others.so", Files.readAllBytes(lonely));
        entries.put("org/bytedeco/cuda/windows-x86_64/cublas64_12.dll", new byte[] {1});
        return jar(entries);
    }

    @Test
    void librariesOfTheClassPathAreLoadedInWhateverOrderTheyNeedEachOther() throws Exception {
        Path directory = temporary.resolve("kept/natives");
        Path other = jar(Map.of("org/bytedeco/javacpp/linux-x86_64/libjavacpp.so", new byte[] {1}));
        List<Path> loaded = CudaNatives.install(List.of(other, twoLibraries(), Path.of("classes")), directory);
        assertThat(loaded)
                .containsExactly(directory.resolve("cuda/" + needed), directory.resolve("cuda/libaneeding.so"));
        assertThat(NativeLibrary.getInstance(loaded.get(1).toString())
                        .getFunction("flywheel_needing")
                        .invokeInt(new Object[0]))
                .isEqualTo(42);
        assertThat(directory.resolve("cuda"))
                .isDirectoryNotContaining("glob:**libjni*")
                .isDirectoryNotContaining("glob:**libcuda.so*");
    }

    @Test
    void whatIsThereIsKeptAndCanBeLoadedWithoutTheArtifacts() throws Exception {
        Path directory = temporary.resolve("natives");
        Path jar = twoLibraries();
        CudaNatives.install(List.of(jar), directory);
        Path kept = directory.resolve("cuda/" + needed);
        FileTime written = FileTime.fromMillis(1_000);
        Files.setLastModifiedTime(kept, written);
        assertThat(CudaNatives.install(List.of(jar), directory)).hasSize(2);
        assertThat(Files.getLastModifiedTime(kept)).isEqualTo(written);
        Path copy = temporary.resolve("copy");
        assertThat(new ProcessBuilder("cp", "-r", directory.toString(), copy.toString())
                        .start()
                        .waitFor())
                .isZero();
        assertThat(CudaNatives.load(copy)).hasSize(2).allMatch(library -> library.startsWith(copy));
    }

    @Test
    void pyTorchIsLeftToDjlWithTheSettingsThatItNeeds() throws IOException {
        Path directory = temporary.resolve("natives");
        Path jar = jar(Map.of("org/bytedeco/pytorch/linux-x86_64-gpu/libtorch_cuda.so", new byte[] {1}));
        assertThat(CudaNatives.install(List.of(jar), directory)).isEmpty();
        assertThat(TORCH_SETTINGS.stream().map(System::getProperty))
                .containsExactly(
                        directory.resolve("pytorch").toString(), "2.7.1", "cu128", "libjnitorch.so,libjnigloo.so");
    }

    @Test
    void aDamagedFileIsNotLoaded() throws Exception {
        Path directory = temporary.resolve("natives");
        CudaNatives.install(List.of(twoLibraries()), directory);
        Path damaged = directory.resolve("cuda/" + needed);
        byte[] bytes = Files.readAllBytes(damaged);
        bytes[bytes.length / 2] ^= 1;
        // In a new file: the old one is mapped into this process.
        Files.delete(damaged);
        Files.write(damaged, bytes);
        assertThatThrownBy(() -> CudaNatives.load(directory))
                .isInstanceOf(StoreException.class)
                .hasMessage("cannot keep CUDA's libraries in " + directory + ": " + damaged
                        + " is not what was put there. Fix: delete the directory.");
    }

    @Test
    void whatCannotBeIsSaid() throws IOException {
        Path none = jar(Map.of("META-INF/MANIFEST.MF", new byte[] {1}));
        assertThatThrownBy(() -> CudaNatives.install(List.of(none), temporary.resolve("natives")))
                .isInstanceOf(MissingEngineException.class)
                .hasMessageStartingWith(
                        "cannot put CUDA's libraries in place: there are none on the class path. Fix: add org.bytedeco");
        Path broken = jar(Map.of(CUDA + "libbroken.so", new byte[] {1}));
        assertThatThrownBy(() -> CudaNatives.install(List.of(broken), temporary.resolve("natives")))
                .isInstanceOf(MissingEngineException.class)
                .hasMessageStartingWith("cannot load CUDA's libraries from " + temporary.resolve("natives") + ": ");
        Path file = Files.writeString(temporary.resolve("file"), "");
        assertThatThrownBy(() -> CudaNatives.install(List.of(broken), file))
                .isInstanceOf(StoreException.class)
                .hasMessageStartingWith("cannot keep CUDA's libraries in " + file + ": ");
        assertThatThrownBy(() -> CudaNatives.load(temporary.resolve("nowhere")))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("there is no " + temporary.resolve("nowhere/SHA256SUMS"));
    }

    @Test
    void aSumThatLeadsOutOfTheDirectoryIsRefused() throws IOException {
        Path directory = Files.createDirectories(temporary.resolve("natives"));
        Files.writeString(directory.resolve("SHA256SUMS"), "00  ../libelsewhere.so\n");
        assertThatThrownBy(() -> CudaNatives.load(directory))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("has the line \"00  ../libelsewhere.so\"");
    }
}

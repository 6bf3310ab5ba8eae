package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.jna.NativeLibrary;
import dev.flywheel.core.device.Accelerator.Hold;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CudaPagesTest {

    @TempDir
    Path directory;

    private CudaDriver driver(Path library) throws IOException {
        return new CudaDriver(List.of(Files.writeString(directory.resolve("nvidiactl"), "")), library.toString());
    }

    @Test
    void locksDirectMemoryInTheContextOfTheDeviceUntilItIsClosed() throws Exception {
        Path library = NativeFake.compile(directory, "fake_cuda.c", "libcuda.so.1");
        CudaPages pages = new CudaPages(driver(library), 1);
        Hold lock = pages.lock(ByteBuffer.allocateDirect(4096));
        assertThat(locked(library)).isEqualTo(4096);
        Hold refused = pages.lock(ByteBuffer.allocateDirect(16)); // one at a time, in the fake
        refused.close();
        assertThat(locked(library)).isEqualTo(4096);
        lock.close();
        assertThat(locked(library)).isZero();
        Hold next = pages.lock(ByteBuffer.allocateDirect(64));
        lock.close();
        assertThat(locked(library)).isEqualTo(64);
        next.close();
        assertThat(locked(library)).isZero();
    }

    private static int locked(Path library) {
        return NativeLibrary.getInstance(library.toString())
                .getFunction("fakeLockedBytes")
                .invokeInt(new Object[0]);
    }

    @Test
    void locksNothingThatIsNotDirectOrWithoutADriver() throws Exception {
        CudaPages pages = new CudaPages(driver(directory.resolve("none")), 0);
        pages.lock(ByteBuffer.allocate(8)).close();
        pages.lock(ByteBuffer.allocateDirect(0)).close();
        pages.lock(ByteBuffer.allocateDirect(8)).close();
    }
}

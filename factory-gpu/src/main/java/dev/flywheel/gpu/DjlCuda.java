package dev.flywheel.gpu;

import ai.djl.Device;
import ai.djl.util.cuda.CudaUtils;
import java.util.Map;
import java.util.OptionalLong;

/** Finds the CUDA devices that the CUDA runtime on DJL's library path counts. No DJL engine is loaded. */
final class DjlCuda {

    private DjlCuda() {}

    static String find(Map<Integer, OptionalLong> memory) {
        int count = CudaUtils.getGpuCount();
        for (int index = 0; index < count; index++) {
            long bytes = CudaUtils.getGpuMemory(Device.gpu(index)).getMax();
            memory.put(index, bytes > 0 ? OptionalLong.of(bytes) : OptionalLong.empty());
        }
        return count + " counted";
    }
}

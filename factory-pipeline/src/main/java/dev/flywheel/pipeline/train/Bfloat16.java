package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValueUtils;

/**
 * Numbers of 16 bits with the exponents of 32-bit floats and 8 significant bits, which matrices are multiplied in at a
 * multiple of the speed: 12 times on an H200. DJL does not know them, so that nobody may ask such an array for its
 * type. Gradients pass through both ways. Lives as long as the manager it was made in. Not thread-safe.
 */
final class Bfloat16 {

    /** How PyTorch numbers its types. */
    private static final int FLOAT32 = 6;

    private static final int BFLOAT16 = 15;

    private final PtSymbolBlock narrow;
    private final PtSymbolBlock wide;

    Bfloat16(NDManager manager) {
        this.narrow = script(manager, "Narrow", BFLOAT16);
        this.wide = script(manager, "Wide", FLOAT32);
    }

    /** One operation each: of several in a script, PyTorch would make gradients of its own. */
    private static PtSymbolBlock script(NDManager manager, String name, int type) {
        return TorchScript.load(manager, name, """
                def forward(self: __torch__.%s, values: Tensor) -> Tensor:
                  return torch.to(values, %d, False, False, None)
                """.formatted(name, type));
    }

    /** As 16-bit numbers, in the manager of the values. */
    NDArray narrow(NDArray values) {
        return cast(narrow, values);
    }

    /** As 32-bit numbers, in the manager of the values. */
    NDArray wide(NDArray values) {
        return cast(wide, values);
    }

    private static NDArray cast(PtSymbolBlock script, NDArray values) {
        // only a module that is told to train keeps the way back
        return IValueUtils.forward(script, new NDList(values), true).singletonOrThrow();
    }
}

package dev.flywheel.pipeline.train;

import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Loads functions that are written in TorchScript, for what PyTorch can do and DJL does not offer. */
final class TorchScript {

    private TorchScript() {}

    /**
     * A module whose one method is {@code forward}; lives as long as the manager.
     *
     * @param name the name of the module's class
     * @param forward the method, with {@code self: __torch__.NAME} as its first parameter
     */
    static PtSymbolBlock load(NDManager manager, String name, String forward) {
        try {
            byte[] archive = archive(name, forward);
            return JniUtils.loadModule((PtNDManager) manager, new ByteArrayInputStream(archive), false, false);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A TorchScript archive: a zip with the source, and the module's state as a pickle, here training = true. */
    private static byte[] archive(String name, String forward) throws IOException {
        String source = "class " + name + "(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n"
                + forward.indent(2);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            zip.setMethod(ZipOutputStream.STORED);
            add(zip, "data.pkl", "\u0080\u0002c__torch__\n" + name + "\n)\u0081}X\b\0\0\0training\u0088sb.");
            add(zip, "code/__torch__.py", source);
            add(zip, "constants.pkl", "\u0080\u0002).");
            add(zip, "version", "3\n");
        }
        return bytes.toByteArray();
    }

    private static void add(ZipOutputStream zip, String name, String content) throws IOException {
        byte[] bytes = content.getBytes(StandardCharsets.ISO_8859_1);
        CRC32 sum = new CRC32();
        sum.update(bytes);
        ZipEntry entry = new ZipEntry("script/" + name);
        entry.setSize(bytes.length);
        entry.setCrc(sum.getValue());
        zip.putNextEntry(entry);
        zip.write(bytes);
        zip.closeEntry();
    }
}

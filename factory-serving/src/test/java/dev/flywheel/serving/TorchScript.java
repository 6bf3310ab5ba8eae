package dev.flywheel.serving;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * TorchScript files as PyTorch saves them: a zip archive with the code of a module and its attributes, pickled. The
 * module here has none, so that its code is all there is to say.
 */
public final class TorchScript {

    private static final String PROTOCOL_2 = "\u0080\u0002";

    private TorchScript() {}

    /**
     * Writes a module.
     *
     * @param arguments those of forward, such as {@code x: Tensor}
     * @param result its type, such as {@code Tensor}
     * @param lines the body, in the dialect in which PyTorch saves code
     */
    public static Path write(Path file, String arguments, String result, String... lines) {
        String code =
                "class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n  def forward(self: __torch__.M,\n    "
                        + arguments + ") -> " + result + ":\n    " + String.join("\n    ", lines) + "\n";
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            put(zip, "data.pkl", PROTOCOL_2 + "c__torch__\nM\n)\u0081}b.");
            put(zip, "constants.pkl", PROTOCOL_2 + ").");
            put(zip, "code/__torch__.py", code);
            put(zip, "version", "3\n");
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** x [-1, width] -> factor * x. */
    public static Path times(Path file, double factor) {
        return write(file, "x: Tensor", "Tensor", "return torch.mul(x, " + factor + ")");
    }

    private static void put(ZipOutputStream zip, String name, String text) throws IOException {
        zip.putNextEntry(new ZipEntry("m/" + name));
        zip.write(text.getBytes(StandardCharsets.ISO_8859_1));
        zip.closeEntry();
    }
}

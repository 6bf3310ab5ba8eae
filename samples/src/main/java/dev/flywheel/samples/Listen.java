package dev.flywheel.samples;

import dev.flywheel.serving.Endpoint;
import dev.flywheel.serving.Tensor;
import dev.flywheel.serving.Tensors;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import javax.sound.sampled.AudioFormat;
import javax.sound.sampled.AudioInputStream;
import javax.sound.sampled.AudioSystem;
import javax.sound.sampled.UnsupportedAudioFileException;

/**
 * When does somebody speak? A published model listens to a sound file, frame by frame. It is recurrent: what it
 * remembers is an output that goes back in with the next frame.
 */
public final class Listen {

    private static final int RATE = 16_000;
    private static final int FRAME = 512;

    private Listen() {}

    public static void main(String[] args) throws IOException, UnsupportedAudioFileException {
        Path model = file("model");
        float[] heard = voices(model, samples(file("sound")));
        for (int frame = 0; frame < heard.length; frame++) {
            boolean speaks = heard[frame] > 0.5;
            boolean spoke = frame > 0 && heard[frame - 1] > 0.5;
            if (speaks != spoke) {
                double seconds = (double) frame * FRAME / RATE;
                System.out.printf(Locale.ROOT, "%7.2f s  %s%n", seconds, speaks ? "somebody speaks" : "silence");
            }
        }
    }

    /** {@return for each frame of 32 ms how likely it is that somebody speaks} */
    static float[] voices(Path model, List<float[]> frames) {
        float[] likely = new float[frames.size()];
        try (Endpoint<Map<String, Tensor>, Map<String, Tensor>> listener =
                Endpoint.onnx(model, Tensors.named()).open()) {
            Tensor rate = Tensor.of(new long[] {RATE});
            Tensor state = Tensor.of(new float[2 * 128], 2, 1, 128);
            for (int i = 0; i < likely.length; i++) {
                Tensor frame = Tensor.of(frames.get(i), 1, FRAME);
                Map<String, Tensor> heard = listener.predict(Map.of("input", frame, "state", state, "sr", rate))
                        .value();
                state = heard.getOrDefault("stateN", state);
                likely[i] = heard.getOrDefault("output", rate).floats()[0];
            }
        }
        return likely;
    }

    /** {@return the frames of a sound file, in one channel} */
    static List<float[]> samples(Path file) throws IOException, UnsupportedAudioFileException {
        AudioFormat format = new AudioFormat(RATE, Short.SIZE, 1, true, false);
        List<float[]> frames = new ArrayList<>();
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file));
                AudioInputStream sound = AudioSystem.getAudioInputStream(format, AudioSystem.getAudioInputStream(in))) {
            byte[] bytes = sound.readNBytes(FRAME * Short.BYTES);
            while (bytes.length > 0) {
                ByteBuffer samples = ByteBuffer.wrap(Arrays.copyOf(bytes, FRAME * Short.BYTES))
                        .order(ByteOrder.LITTLE_ENDIAN);
                float[] frame = new float[FRAME];
                for (int i = 0; i < FRAME; i++) {
                    frame[i] = samples.getShort(i * Short.BYTES) / 32_768f;
                }
                frames.add(frame);
                bytes = sound.readNBytes(FRAME * Short.BYTES);
            }
        }
        return frames;
    }

    private static Path file(String property) {
        String name = System.getProperty(property, "");
        if (name.isEmpty() || !Files.exists(Path.of(name))) {
            throw new NoSuchElementException(
                    "there is no file \"" + name + "\". Fix: name the " + property + " with -D" + property + "=...");
        }
        return Path.of(name);
    }
}

package dev.flywheel.samples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Random;
import javax.sound.sampled.AudioFileFormat;
import javax.sound.sampled.AudioFormat;
import javax.sound.sampled.AudioInputStream;
import javax.sound.sampled.AudioSystem;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ListenTest {

    private static final int RATE = 16_000;

    @TempDir
    Path directory;

    @Test
    void hearsWhenAVoiceBegins() throws Exception {
        Path model = Path.of("..", ".models", "silero_vad_v5.onnx");
        Assumptions.assumeTrue(
                Files.exists(model), "the voice detector of npm's @ricky0123/vad-web is not in " + model);
        List<float[]> frames = Listen.samples(sound());
        assertThat(frames).hasSize(60).allMatch(frame -> frame.length == 512);
        float[] heard = Listen.voices(model, frames);
        for (int frame = 5; frame < 30; frame++) {
            assertThat(heard[frame]).isLessThan(0.2f);
        }
        assertThat(heard[34]).isGreaterThan(0.8f);
    }

    @Test
    void saysWhichFileItNeeds() {
        assertThatThrownBy(() -> Listen.main(new String[0]))
                .isInstanceOf(NoSuchElementException.class)
                .hasMessage("there is no file \"\". Fix: name the model with -Dmodel=...");
    }

    /** 30 frames of faint noise, then 30 of vowels: overtones of a gliding voice, shaped by three formants. */
    private Path sound() throws IOException {
        Random random = new Random(1);
        ByteBuffer samples = ByteBuffer.allocate(60 * 512 * 2).order(ByteOrder.LITTLE_ENDIAN);
        double phase = 0;
        for (int i = 0; i < 60 * 512; i++) {
            double t = (double) i / RATE;
            double pitch = 130 + 25 * Math.sin(2 * Math.PI * 2.5 * t);
            phase += 2 * Math.PI * pitch / RATE;
            double value = 0.001 * random.nextGaussian();
            for (int overtone = 1; i >= 30 * 512 && overtone < 28; overtone++) {
                double loud = Math.max(0, Math.sin(2 * Math.PI * 4 * t));
                value += 0.15 * loud * formants(overtone * pitch, t) * Math.sin(overtone * phase);
            }
            samples.putShort((short) Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768))));
        }
        AudioFormat format = new AudioFormat(RATE, 16, 1, true, false);
        Path file = directory.resolve("sound.wav");
        AudioSystem.write(
                new AudioInputStream(new ByteArrayInputStream(samples.array()), format, 60 * 512),
                AudioFileFormat.Type.WAVE,
                file.toFile());
        return file;
    }

    private static double formants(double frequency, double t) {
        double first = 500 + 250 * Math.sin(2 * Math.PI * 1.7 * t);
        double second = 1_500 + 500 * Math.sin(2 * Math.PI * 1.1 * t);
        return Math.exp(-Math.pow((frequency - first) / 120, 2))
                + 0.6 * Math.exp(-Math.pow((frequency - second) / 180, 2))
                + 0.3 * Math.exp(-Math.pow((frequency - 2_600) / 250, 2))
                + 0.02;
    }
}

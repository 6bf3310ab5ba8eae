package dev.flywheel.serving.route;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** No route at all. */
enum ChampionRoute implements Route {
    INSTANCE;

    @Override
    public List<Integer> versions() {
        return List.of();
    }

    @Override
    public int choose(@Nullable String key) {
        return CHAMPION;
    }

    @Override
    public String toString() {
        return "champion";
    }
}

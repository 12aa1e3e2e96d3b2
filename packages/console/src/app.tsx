import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { failureOf } from "./data/admin.ts";
import { useWatched } from "./data/hooks.ts";
import { openSession } from "./data/open-session.ts";
import { takeCode } from "./data/session.ts";
import { connect, connection } from "./data/watch.ts";
import { Bar } from "./frame/bar.tsx";
import { Drop } from "./frame/drop.tsx";
import { Nav } from "./frame/nav.tsx";
import { Notice, say } from "./frame/notice.tsx";
import { Palette } from "./frame/palette.tsx";
import { ShortcutList } from "./frame/shortcut-list.tsx";
import { watchVersion } from "./frame/version.ts";
import { Empty } from "./parts/empty.tsx";
import { place } from "./route.ts";
import { CallScreen } from "./screens/call/call.tsx";
import { CallsScreen } from "./screens/calls/calls.tsx";
import { TraceScreen } from "./screens/calls/trace.tsx";
import { EventsScreen } from "./screens/events/events.tsx";
import { LoginScreen } from "./screens/login.tsx";
import { LogsScreen } from "./screens/logs/logs.tsx";
import { OverviewScreen } from "./screens/overview/overview.tsx";
import { ServiceScreen } from "./screens/service/service.tsx";
import { SettingsScreen } from "./screens/settings/settings.tsx";

export function App(): VNode {
  useEffect(() => {
    const code = takeCode();
    if (code === undefined) connect();
    else
      void openSession(code).then(connect, (error: unknown) => {
        say(failureOf(error).message);
        connect();
      });
    watchVersion();
  }, []);
  const { value: caller } = useWatched("whoAmI", [], 30_000);
  if (connection.value.state === "refused") return <LoginScreen {...connection.value.failure} />;
  return (
    <div class="frame" data-state={connection.value.state}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Bar caller={caller} />
      <Nav />
      <main id="main" tabIndex={-1}>
        <Notice />
        <Screen />
      </main>
      <Palette />
      <ShortcutList />
      <Drop />
    </div>
  );
}

function Screen(): VNode {
  const [screen = "", ...rest] = place.value.path;
  switch (screen) {
    case "":
      return <OverviewScreen />;
    case "s":
      return <ServiceScreen service={rest[0] ?? ""} tab={rest[1] ?? "overview"} />;
    case "logs":
      return <LogsScreen />;
    case "calls":
      return <CallsScreen />;
    case "trace":
      return <TraceScreen id={rest[0] ?? ""} />;
    case "call":
      return <CallScreen />;
    case "events":
      return <EventsScreen />;
    case "settings":
      return <SettingsScreen tab={rest[0] ?? "environments"} />;
    default:
      return <Empty title="There is no such page">The address may have been copied in part.</Empty>;
  }
}

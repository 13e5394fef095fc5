import { index, route } from "@react-router/dev/routes";

export default [index("routes/home.tsx"), route("about", "routes/about.tsx"), route("api/messages", "routes/messages.ts")];

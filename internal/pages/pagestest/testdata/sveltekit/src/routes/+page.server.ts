import type { Actions, PageServerLoad } from "./$types";

export const load: PageServerLoad = ({ url, request, cookies, setHeaders }) => {
  const name = url.searchParams.get("name") ?? "world";
  cookies.set("visited", name, { path: "/" });
  setHeaders({ "X-Rendered-By": "sveltekit" });
  return { name, language: request.headers.get("Accept-Language") };
};

export const actions: Actions = {
  default: async ({ request }) => ({ said: (await request.formData()).get("text") }),
};

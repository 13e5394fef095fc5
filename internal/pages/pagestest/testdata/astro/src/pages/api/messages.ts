import type { APIRoute } from "astro";

export const GET: APIRoute = ({ locals, url }) => locals.runtime.env.API_SERVICE.fetch(`http://api/messages${url.search}`);

export const POST: APIRoute = async ({ request }) => {
  const form = await request.formData();
  return Response.json({ text: form.get("text") }, { status: 201 });
};
